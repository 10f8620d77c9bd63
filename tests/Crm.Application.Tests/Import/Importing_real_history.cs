using Crm.Application.Import;
using Crm.Domain.Leads;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Application.Tests.Import;

/// <summary>What must come out stands beside the data, computed from the files by a separate program.</summary>
public sealed class Importing_real_history : ImportedLog
{
    [Fact]
    public async Task of_a_bank_gives_every_figure_of_its_mapping()
    {
        var file = SharedData.Path("bpic2012", "bpic2012_events.derived.csv.gz");
        var first = await History(file, "bpic2012.json");
        TestContext.Current.SendDiagnosticMessage($"{first.Added} events in {first.Seconds:F1} s: {first.EventsPerSecond}/s");
        Assert.Equal((262_200, 0), (first.Totals.Rows, first.Totals.Rejected));

        // The mapping's "all events", 172,404, counts 8,000 rows without a resource as assignments; its own table of rows says that
        // they are nothing.
        Assert.Equal(172_404 - 8_000, first.Added - first.Totals.Events["user-registered"]);

        await Build(new Activity(), new Funnel(), new ResponseTimes());
        var activity = await Activity.Read(Database.App, Period.Everything, Visibility.All, Ct);
        long Events(string name) => activity.Events.Single(line => line.What == name).Count;
        Assert.Equal(
            (13_087, 7_367, 10_442, 2_246),
            (Events("lead-captured"), Events("lead-qualified"), Events("lead-disqualified"), Events("lead-converted")));
        Assert.Equal(48_365, Events("lead-assigned"));
        long Activities(string what) => activity.Activities.Single(line => line.What == what).Count;
        Assert.Equal((72_413, 7_030, 3_454), (Activities("call out"), Activities("email out"), Activities("email in")));

        var now = (await Funnel.Read(Database.App, Period.Everything, Visibility.All, Ct)).ToDictionary(line => line.Status);
        Assert.Equal(
            (399, 10_442, 2_246),
            (now[LeadStatus.Qualified].Now, now[LeadStatus.Disqualified].Now, now[LeadStatus.Converted].Now));
        decimal Euros(LeadStatus status) => now[status].ValueNow.Single(value => value.Currency == "EUR").Amount;
        Assert.Equal(
            (6_703_743m, 135_640_430m, 35_290_338m),
            (Euros(LeadStatus.Qualified), Euros(LeadStatus.Disqualified), Euros(LeadStatus.Converted)));

        var yearsEnd = new DateTimeOffset(2011, 12, 31, 23, 59, 59, TimeSpan.Zero).AddMicroseconds(999_999);
        var then = (await Funnel.Read(Database.App, new Period(null, null, AsOf.At(yearsEnd)), Visibility.All, Ct))
            .ToDictionary(line => line.Status, line => line.Now);
        Assert.Equal(
            (5, 640, 5_680, 1_130),
            (then[LeadStatus.New], then[LeadStatus.Qualified], then[LeadStatus.Disqualified], then[LeadStatus.Converted]));

        var calls = (await ResponseTimes.Read(Database.App, Period.Everything, Visibility.All, Ct)).ByKind.Single(line => line.Kind == ActivityKind.Call);
        Assert.Equal((9_658, 4_712.343m), (calls.Responded, calls.MedianSeconds));

        var again = await History(file, "bpic2012.json");
        Assert.Equal((0, first.Added), (again.Added, await Log.LastPosition(Ct)));
    }

    [Fact]
    public async Task of_a_marketplace_lands_on_the_leads_that_were_imported_before()
    {
        var leads = SharedData.Path("olist-marketing-funnel", "olist_marketing_qualified_leads_dataset.csv");
        var deals = SharedData.Path("olist-marketing-funnel", "olist_closed_deals_dataset.csv");
        var captured = await FileImport.Leads(
            Log,
            leads,
            Maps.Read("olist-leads.json"),
            source: null,
            LeadsMode.Create,
            Folder.Path("leads.csv"),
            new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            _ => { },
            progress: null,
            Ct);
        var closed = await History(deals, "olist-deals.json");

        Assert.Equal((8_000, 0), (captured.Totals.Events["lead-captured"], captured.Totals.Rejected));
        var events = closed.Totals.Events;
        Assert.Equal((842, 842, 842), (events["lead-assigned"], events["lead-transferred"], events["lead-converted"]));
        Assert.Equal(1, closed.Totals.Irregular["out-of-order"].Count);
        await Build(new Sources());
        var sources = (await Sources.Read(Database.App, Period.Everything, Visibility.All, Ct))
            .ToDictionary(line => line.Source, line => (line.Captured, line.Converted));
        Assert.Equal(
            new Dictionary<string, (long, long)>
            {
                ["organic_search"] = (2_296, 271),
                ["paid_search"] = (1_586, 195),
                ["social"] = (1_350, 75),
                ["unknown"] = (1_099, 179),
                ["direct_traffic"] = (499, 56),
                ["email"] = (493, 15),
                ["referral"] = (284, 24),
                ["other"] = (150, 4),
                ["display"] = (118, 6),
                ["other_publicities"] = (65, 3),
                ["none"] = (60, 14),
            },
            sources);
    }

    private Task<ImportReport> History(string file, string map) =>
        FileImport.History(Log, file, Maps.Read(map), source: null, Folder.Path($"{map}.csv"), progress: null, Ct);

    private async Task Build(params IEnumerable<Projection> projections)
    {
        var rebuilder = new Rebuilder(Database.App, Log, NullLogger<Rebuilder>.Instance);
        foreach (var projection in projections)
        {
            await rebuilder.Rebuild(projection, progress: null, Ct);
        }
    }
}
