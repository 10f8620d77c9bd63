using System.Runtime.InteropServices;
using Npgsql;

namespace Crm.Benchmarks;

/// <summary>What a figure was measured on.</summary>
/// <param name="Cores">Processor cores that the process may use.</param>
/// <param name="Processor">The processor's name, as the system gives it.</param>
/// <param name="MemoryGb">Memory in GB.</param>
/// <param name="Kernel">The operating system.</param>
/// <param name="Runtime">The .NET version.</param>
/// <param name="Postgres">The server's version.</param>
/// <param name="Settings">The server's settings that matter, as <c>name=value</c>.</param>
public sealed record MachineFacts(
    int Cores, string Processor, double MemoryGb, string Kernel, string Runtime, string Postgres, IReadOnlyList<string> Settings)
{
    /// <summary>Reads them from the machine and its server.</summary>
    public static async Task<MachineFacts> Read(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var ask = database.CreateCommand(
            """
            select current_setting('server_version'),
                   array(select name || '=' || current_setting(name) from unnest(array[
                       'shared_buffers', 'fsync', 'synchronous_commit', 'full_page_writes', 'max_wal_size', 'work_mem', 'jit',
                       'random_page_cost', 'data_checksums']) as name)
            """);
        await using var reader = await ask.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new MachineFacts(
            Environment.ProcessorCount,
            ProcessorName(),
            Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
            $"{RuntimeInformation.OSDescription}, kernel {Environment.OSVersion.Version}",
            RuntimeInformation.FrameworkDescription,
            reader.GetString(0),
            await reader.GetFieldValueAsync<string[]>(1, ct));
    }

    /// <summary>One line for people.</summary>
    public override string ToString() => Invariant(
        $"{Cores} cores ({Processor}), {MemoryGb} GB, {Kernel}, {Runtime}, PostgreSQL {Postgres} ({string.Join(", ", Settings)})");

    private static string ProcessorName()
    {
        const string Facts = "/proc/cpuinfo";
        var line = File.Exists(Facts)
            ? File.ReadLines(Facts).FirstOrDefault(each => each.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line is null
            ? RuntimeInformation.ProcessArchitecture.ToString()
            : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
