using Crm.Application.Import;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Application.Tests.Import;

public sealed class Importing_real_history(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task of_a_bank_records_what_its_mapping_says_once()
    {
        var file = SharedData.Path("bpic2012", "bpic2012_events.derived.csv.gz");
        await using var log = new EventLog(database.App, EventJson.Catalog, new LogPosition());
        var rejected = Path.Combine(Path.GetTempPath(), $"{database.Name}.rejected.csv");

        var first = await FileImport.History(log, file, Maps.Read("bpic2012.json"), source: null, rejected, progress: null, Ct);
        TestContext.Current.SendDiagnosticMessage($"{first.Added} events in {first.Seconds:F1} s: {first.EventsPerSecond}/s");

        Assert.Equal(262_200, first.Totals.Rows);
        Assert.Equal(0, first.Totals.Rejected);
        Assert.Equal(13_087, first.Totals.Events["lead-captured"]);
        Assert.Equal(7_367, first.Totals.Events["lead-qualified"]);
        Assert.Equal(10_442, first.Totals.Events["lead-disqualified"]);
        Assert.Equal(2_246, first.Totals.Events["lead-converted"]);
        Assert.Equal(48_365, first.Totals.Events["lead-assigned"]);
        Assert.Equal(72_413 + 7_030 + 3_454, first.Totals.Events["lead-activity-logged"]);
        Assert.Equal(164_404, first.Added - first.Totals.Events["user-registered"]);

        var again = await FileImport.History(log, file, Maps.Read("bpic2012.json"), source: null, rejected, progress: null, Ct);
        Assert.Equal(0, again.Added);
        Assert.Equal(first.Added, await log.LastPosition(Ct));
    }
}
