using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Crm.Benchmarks;

/// <summary>
/// The yardstick: what pgbench reaches on the same cluster with one prepared INSERT of one row, of the size of an event, per
/// transaction. The machine's speed drifts by a factor of two, so it is taken right before and right after whatever it is held against.
/// </summary>
public sealed partial class Pgbench(Stand stand, TimeSpan length)
{
    private const string Database = "bench_pgbench";
    private const string Script = "insert into rows (id, data) values (gen_random_uuid(), :data::jsonb)";

    /// <summary>Rows per second at 32 clients.</summary>
    public async Task<double> RowsPerSecond(CancellationToken ct)
    {
        await Prepare(ct);
        var script = await WriteScript(ct);
        try
        {
            var output = await Run(script, ["-c", "32", "-j", "2", "-T", Seconds()], ct);
            return double.Parse(Tps().Match(output).Groups["tps"].Value, CultureInfo.InvariantCulture);
        }
        finally
        {
            File.Delete(script);
        }
    }

    /// <summary>The latencies of one client alone.</summary>
    public async Task<Latencies> Alone(CancellationToken ct)
    {
        await Prepare(ct);
        var script = await WriteScript(ct);
        var folder = Directory.CreateTempSubdirectory("crm-pgbench-");
        try
        {
            await Run(script, ["-c", "1", "-T", Seconds(), "--log", "--log-prefix", Path.Combine(folder.FullName, "log")], ct);
            var latencies = new Latencies();
            foreach (var line in folder.EnumerateFiles("log*").SelectMany(file => File.ReadLines(file.FullName)))
            {
                // client, transaction number, latency in microseconds, …
                latencies.Add(double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture) / 1e3);
            }

            return latencies;
        }
        finally
        {
            File.Delete(script);
            folder.Delete(recursive: true);
        }
    }

    private string Seconds() => ((int)Math.Max(1, length.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private async Task Prepare(CancellationToken ct)
    {
        await stand.Make(Database, migrate: false, ct);
        await using var superuser = NpgsqlDataSource.Create(stand.Cluster.Superuser(Database));
        await using var prepare = superuser.CreateCommand(
            """
            drop table if exists rows;
            create table rows (seq_id bigserial primary key, id uuid not null, data jsonb not null, at timestamptz not null default now());
            checkpoint
            """);
        await prepare.ExecuteNonQueryAsync(ct);
    }

    private static async Task<string> WriteScript(CancellationToken ct)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, Script, ct);
        return file;
    }

    private async Task<string> Run(string script, IEnumerable<string> options, CancellationToken ct)
    {
        var done = await Tool.Run(
            await Stand.ServerProgram("pgbench", ct),
            [
                "-n", "-M", "prepared", "-f", script, "-D", $"data={LeadLives.CaptureAsJson()}", .. options,
                "-h", stand.Cluster.SocketFolder,
                "-p", stand.Cluster.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", Database,
            ],
            settings: new Dictionary<string, string>(StringComparer.Ordinal),
            ct);
        return done.ExitCode == 0 ? done.Output : throw new InvalidOperationException($"pgbench failed: {done.Output}");
    }

    [GeneratedRegex(@"tps = (?<tps>[0-9.]+) \(without", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Tps();
}
