using System.CommandLine;
using System.Globalization;
using Crm.EventStore.Projections;
using Crm.Projections;

namespace Crm.Web.Cli;

/// <summary><c>crm projections list</c> and <c>crm projections rebuild</c>.</summary>
internal static class ProjectionVerbs
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("projections", "Looks after the read models.") { List(), Rebuild() };

    private static Command List()
    {
        var json = Verb.Json();
        var command = new Command("list", "Says how each read model stands.") { json };
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            await Verb.Answer(
                parsed.GetValue(json),
                await ProjectionStatus.List(database.Database.App, ct),
                CliJson.Default.IReadOnlyListProjectionStatus,
                Lines);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Rebuild()
    {
        var json = Verb.Json();
        var name = new Argument<string?>("NAME") { Description = "The read model.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "All of them, some at a time: the log is read once for those." };
        var command = new Command(
            "rebuild", "Builds a read model anew from the log, beside the live one, then switches. Queries never stop.")
        {
            name, all, json,
        };
        command.Validators.Add(result =>
        {
            var named = result.GetValue(name);
            if (named is null == !result.GetValue(all))
            {
                result.AddError("Name one read model, or say --all.");
            }
            else if (named is not null && ProjectionList.All.All(projection => projection.Name != named))
            {
                var names = string.Join(", ", ProjectionList.All.Select(static each => each.Name));
                result.AddError($"There is no read model {named}; there are {names}.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            var chosen = ProjectionList.All.Where(each => parsed.GetValue(all) || each.Name == parsed.GetValue(name)).ToList();
            await using var database = await VerbDatabase.Open(ct);
            using var loggers = VerbLogging.Create();
            using var rebuilder = new Rebuilder(database.Database.App, database.Log, loggers.CreateLogger<Rebuilder>());
            var reports = await ProgressBar.Show(async tell =>
            {
                var rebuilt = await Task.WhenAll(chosen.Select(projection => rebuilder.Rebuild(
                    projection,
                    new Told<RebuildProgress>(progress => tell(
                        $"{projection.Name}, {progress.Phase}", progress.Total == 0 ? 1 : (double)progress.Done / progress.Total)),
                    ct)));
                return rebuilt.OfType<RebuildReport>().ToList();
            });
            await Verb.Answer(parsed.GetValue(json), reports, CliJson.Default.ListRebuildReport, static all => all.SelectMany(Lines));
            return reports.Exists(static report => report.Tables.Any(static table => table.EqualsLive == false))
                ? ExitCode.Failed
                : ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<string> Lines(IReadOnlyList<ProjectionStatus> all) =>
        all is [] ? ["None is built yet: the host builds them at its start."] : all.Select(Line);

    private static string Line(ProjectionStatus each) => string.Create(
        CultureInfo.InvariantCulture,
        $"{each.Name,-16} revision {each.Revision}, build {each.Build}, position {each.Position:N0}, {each.Lag:N0} behind, "
        + $"{each.ParkedStreams} parked, {each.Holder ?? "nobody works on it"}{(each.Error is null ? "" : $": {each.Error}")}");

    private static IEnumerable<string> Lines(RebuildReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Projection}: build {report.Build} at position {report.Position:N0} after {report.Elapsed.TotalSeconds:F1} s, "
            + $"{report.Parked.Count} parked");
        foreach (var table in report.Tables)
        {
            var compared = table.EqualsLive switch
            {
                true => "equal to the one before",
                false => "NOT equal to the one before",
                null => "nothing to compare with",
            };
            yield return string.Create(CultureInfo.InvariantCulture, $"  {table.Name}: {table.Rows:N0} rows, {compared}");
        }
    }
}
