using System.CommandLine;
using System.Globalization;
using Crm.Benchmarks;
using Crm.Testing;
using Spectre.Console;

var only = new Option<string>("--only") { Description = $"Only these, by name, with commas: {string.Join(", ", Benchmark.All.Select(static each => each.Name))}." };
var quick = new Option<bool>("--quick") { Description = "Small sizes, one repetition: shows that everything runs, proves nothing, and writes no page." };
var leads = new Option<int?>("--leads") { Description = "How many leads are queried (1,000,000)." };
var data = new Option<string?>("--data") { Description = "The folder of the cluster; kept, so that what was filled once is used again (.data/bench)." };
var crm = new Option<string?>("--crm") { Description = "The crm program that is measured (the one built beside this)." };
var json = new Option<FileInfo?>("--json") { Description = "Writes the results of this run to a file too." };
var root = new RootCommand("Measures the product against pgbench on the same cluster, prints a table and writes docs/benchmarks.md.")
{
    only, quick, leads, data, crm, json,
};
root.SetAction(async (parsed, ct) =>
{
    var names = parsed.GetValue(only)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    if (names?.FirstOrDefault(static name => Benchmark.All.All(each => each.Name != name)) is { } unknown)
    {
        await Console.Error.WriteLineAsync($"There is no benchmark {unknown}. There are: {string.Join(", ", Benchmark.All.Select(static each => each.Name))}.");
        return 2;
    }

    var scale = parsed.GetValue(quick) ? Scale.Quick : Scale.Full;
    scale = scale with { Leads = parsed.GetValue(leads) ?? scale.Leads };
    var run = new BenchmarkRun(scale, parsed.GetValue(data) ?? Path.Combine(Repository.Root, ".data", "bench"), new CrmProgram(parsed.GetValue(crm)));
    var results = await run.Measure([.. Benchmark.All.Where(each => names is null || names.Contains(each.Name, StringComparer.Ordinal))], ct);
    if (parsed.GetValue(json) is { } file)
    {
        await ResultsFile.Write(file.FullName, results, ct);
    }

    if (Console.IsOutputRedirected)
    {
        AnsiConsole.Profile.Width = 240;
        AnsiConsole.Profile.Capabilities.Ansi = false;
    }

    AnsiConsole.Write(BenchmarkRun.Table(results));
    var figures = results.SelectMany(static result => result.Figures).ToList();
    AnsiConsole.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{figures.Count(static each => each.Verdict == Verdict.Met)} met, {figures.Count(static each => each.Verdict == Verdict.Missed)} missed, "
            + $"{figures.Count(static each => each.Verdict == Verdict.LeftOut)} left out"));
    return 0;
});
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = true });
