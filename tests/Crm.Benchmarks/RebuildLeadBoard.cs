using System.Globalization;
using System.Text.Json;

namespace Crm.Benchmarks;

/// <summary><c>crm projections rebuild lead_board</c> as a process of its own, with indexes, comparison and switch.</summary>
public static class RebuildLeadBoard
{
    private const double MostMb = 512;
    private const int EventsEach = 5;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        var leads = bench.Scale.RebuildLeads;
        var database = await Fill(bench, ct);
        var events = await bench.Stand.Ask(database, "select count(*) from crm.mt_events", ct);
        var settings = bench.Stand.SettingsFor(database);
        await bench.Crm.Run(["migrate"], settings, ct);
        await bench.Crm.Run(["projections", "rebuild", "lead_board"], settings, ct);
        var (peak, whole) = (0d, TimeSpan.Zero);
        var figure = await Throughput.Measure(
            bench,
            "rebuild lead_board",
            leastRatio: 5,
            mostP99: null,
            async (_, token) =>
            {
                var run = await bench.Crm.Run(["projections", "rebuild", "lead_board", "--json"], settings, token);
                (peak, whole) = (Math.Max(peak, run.PeakMb), run.Elapsed);
                using var report = JsonDocument.Parse(run.Answer);
                var elapsed = TimeSpan.Parse(report.RootElement[0].GetProperty("elapsed").GetString() ?? "", CultureInfo.InvariantCulture);
                return new Repetition(events / elapsed.TotalSeconds);
            },
            ct);
        var rows = await bench.Stand.Ask(database, "select count(*) from crm_read.lead_board", ct);
        if (rows != leads)
        {
            throw new InvalidOperationException($"lead_board holds {rows} rows, not {leads}.");
        }

        return
        [
            figure with
            {
                Note = Invariant(
                    $"{events:N0} events, compared with the live build; the whole process took {whole.TotalSeconds:F1} s; {figure.Note}"),
            },
            new Figure(
                "its memory", Invariant($"{peak:N0} MB"),
                Invariant($"< {MostMb} MB"), Figure.Judge(peak < MostMb))
            {
                Note = "peak resident set (VmHWM) of that process",
            },
        ];
    }

    /// <summary>The database with the leads that are rebuilt, filled by an earlier run or now.</summary>
    public static async Task<string> Fill(Bench bench, CancellationToken ct)
    {
        var leads = bench.Scale.RebuildLeads;
        var database = Invariant($"bench_rebuild_{leads}");
        await bench.Stand.MakeOnce(
            database,
            $"{leads} leads of {EventsEach} events",
            async token =>
            {
                bench.Say($"filling {database}");
                await using var open = bench.Stand.Open(database);
                await BulkLoad.Leads(open.Log, 0, leads, static _ => EventsEach, leads, token);
                await bench.Stand.Execute(database, "vacuum analyze", token);
            },
            ct);
        return database;
    }
}
