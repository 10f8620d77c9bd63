using System.CommandLine;
using Crm.Benchmarks;
using Crm.Testing;
using Spectre.Console;

var known = string.Join(", ", Benchmark.All.Select(static each => each.Name));
var only = new Option<string>("--only") { Description = $"Only these, by name, with commas: {known}." };
var quick = new Option<bool>("--quick") { Description = "Small sizes, one repetition: shows that all of it runs; writes no page." };
var leads = new Option<int?>("--leads") { Description = "How many leads are queried (1,000,000)." };
var query = new Option<string?>("--query") { Description = "Of the queries, only those whose name holds this; writes no page." };
var data = new Option<string?>("--data") { Description = "The cluster's folder; it is kept, and its data used again (.data/bench)." };
var crm = new Option<string?>("--crm") { Description = "The crm program that is measured (the one built beside this)." };
var json = new Option<FileInfo?>("--json") { Description = "Writes the results of this run to a file too." };
var root = new RootCommand("Measures the product against pgbench on the same cluster, prints a table and writes docs/benchmarks.md.")
{
    only, quick, leads, query, data, crm, json,
};
root.SetAction(async (parsed, ct) =>
{
    var names = parsed.GetValue(only)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    if (names?.FirstOrDefault(static name => Benchmark.All.All(each => each.Name != name)) is { } unknown)
    {
        await Console.Error.WriteLineAsync($"There is no benchmark {unknown}. There are: {known}.");
        return 2;
    }

    var scale = parsed.GetValue(quick) ? Scale.Quick : Scale.Full;
    scale = scale with { Leads = parsed.GetValue(leads) ?? scale.Leads, Query = parsed.GetValue(query) };
    var folder = parsed.GetValue(data) ?? Path.Combine(Repository.Root, ".data", "bench");
    var chosen = Benchmark.All.Where(each => names is null || names.Contains(each.Name, StringComparer.Ordinal));
    var results = await new BenchmarkRun(scale, folder, new CrmProgram(parsed.GetValue(crm))).Measure([.. chosen], ct);
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
    var verdicts = results.SelectMany(static result => result.Figures).CountBy(static figure => figure.Verdict).ToDictionary();
    int Of(Verdict verdict) => verdicts.GetValueOrDefault(verdict);
    AnsiConsole.WriteLine(Invariant($"{Of(Verdict.Met)} met, {Of(Verdict.Missed)} missed, {Of(Verdict.LeftOut)} left out"));
    return 0;
});
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = true });
