using System.Globalization;
using System.Text.RegularExpressions;
using Crm.Projections;

namespace Crm.Benchmarks;

/// <summary><c>POST /leads</c> with wrk against the API in a process of its own, as <c>ops/run</c> runs it: projections and all.</summary>
public static partial class CaptureOverHttp
{
    private const string Database = "bench_http";

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        const string Label = "POST /leads, 32 connections";
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(static folder => File.Exists(Path.Combine(folder, "wrk"))))
        {
            return [Figure.NotMeasured(Label, "wrk is not installed")];
        }

        await bench.Stand.Make(Database, migrate: true, ct);
        await using var host = await bench.Crm.Serve(bench.Stand.SettingsFor(Database), ct);

        // A host that has just started compiles its hot paths for about half a minute, on the cores that it is measured on.
        await Wrk(host, bench.Scale.WarmUp * 10, ct);
        var lag = 0L;
        var caughtUp = TimeSpan.Zero;
        var figure = await Throughput.Measure(
            bench,
            Label,
            leastRatio: 0.45,
            mostP99: 20,
            async (_, token) =>
            {
                await host.SignIn(token);
                var before = await bench.Stand.Ask(Database, "select position from crm.log_counter", token);
                var run = await Wrk(host, bench.Scale.Load, token);
                var ended = TimeProvider.System.GetTimestamp();
                lag = Math.Max(lag, await Lag(bench, token));
                var after = await bench.Stand.Ask(Database, "select position from crm.log_counter", token);
                if (after - before < run.Requests)
                {
                    throw new InvalidOperationException(
                        $"{run.Requests} requests were answered, but the log took {after - before} events.");
                }

                await CatchUp(bench, token);
                caughtUp = TimeProvider.System.GetElapsedTime(ended) > caughtUp ? TimeProvider.System.GetElapsedTime(ended) : caughtUp;
                return run.Repetition;
            },
            ct);
        return
        [
            figure with
            {
                Note = string.Create(
                    CultureInfo.InvariantCulture,
                    $"server, database, {ProjectionList.All.Count} projections and load on the same cores; at the end of the load the "
                        + $"slowest projection was {lag:N0} events behind and caught up in {caughtUp.TotalSeconds:F1} s; "
                        + $"host's peak memory {host.PeakMb:N0} MB; {figure.Note}"),
            },
        ];
    }

    private static Task<long> Lag(Bench bench, CancellationToken ct) => bench.Stand.Ask(
        Database, "select (select position from crm.log_counter) - coalesce(min(position), 0) from crm.projections", ct);

    private static async Task CatchUp(Bench bench, CancellationToken ct)
    {
        while (await Lag(bench, ct) > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), ct);
        }
    }

    private static async Task<(Repetition Repetition, long Requests)> Wrk(RunningHost host, TimeSpan length, CancellationToken ct)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["CRM_BENCH_TOKEN"] = host.Token };
        var run = await Tool.Run(
            "wrk",
            [
                "-t", "2", "-c", "32", "-d", Invariant($"{Math.Max(1, length.TotalSeconds):F0}s"), "--latency",
                "-s", Path.Combine(AppContext.BaseDirectory, "capture.lua"), new Uri(host.Address, "/api/v1/leads").ToString(),
            ],
            settings,
            ct);
        if (run.ExitCode != 0 || run.Output.Contains("Non-2xx", StringComparison.Ordinal)
            || run.Output.Contains("Socket errors", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"wrk ended with {run.ExitCode}: {run.Output}");
        }

        return (
            new Repetition(
                double.Parse(Rate().Match(run.Output).Groups["rate"].Value, CultureInfo.InvariantCulture),
                Milliseconds(run.Output, "50%"), Milliseconds(run.Output, "99%")),
            long.Parse(Requests().Match(run.Output).Groups["count"].Value, CultureInfo.InvariantCulture));
    }

    private static double Milliseconds(string output, string percentile)
    {
        var found = Latency().Matches(output).First(match => match.Groups["percentile"].Value == percentile);
        var value = double.Parse(found.Groups["value"].Value, CultureInfo.InvariantCulture);
        return found.Groups["unit"].Value switch
        {
            "us" => value / 1e3,
            "ms" => value,
            "s" => value * 1e3,
            var unit => throw new FormatException($"wrk printed a latency in {unit}."),
        };
    }

    [GeneratedRegex(@"Requests/sec:\s+(?<rate>[0-9.]+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Rate();

    [GeneratedRegex(@"(?<count>\d+) requests in", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Requests();

    [GeneratedRegex(@"^\s+(?<percentile>50%|99%)\s+(?<value>[0-9.]+)(?<unit>us|ms|s)\s*$",
        RegexOptions.CultureInvariant | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Latency();
}
