using Crm.Application.Import;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Tests.Import;

public sealed class Importing_leads : ImportedLog
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly List<(string Column, string Field)> shown = [];
    [Fact]
    public async Task guesses_the_columns_and_shows_them()
    {
        var report = await Import(
            "External ID,First name,Surname,E-mail,Origin,Created at,Colour\n"
            + "A1,Ada,Arnold,ada@example.com,event,2026-01-02,red\n");

        Assert.Equal(
            [
                ("External ID", "externalId"), ("Created at", "at"), ("First name", "firstName"), ("Surname", "lastName"),
                ("E-mail", "email"), ("Origin", "source"),
            ],
            shown);
        var captured = Assert.Single(await History("A1"));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), captured.At);
        var details = ((LeadCaptured)captured.Data).Details;
        Assert.Equal(
            ("Ada", "Arnold", "ada@example.com", "event", "A1"),
            (details.FirstName, details.LastName, details.Email, details.Source, details.ExternalId));
        Assert.Equal(LeadScore.Of(details, default), ((LeadCaptured)captured.Data).Score);
        Assert.Equal(1, report.Added);
    }

    [Fact]
    public async Task cannot_guess_which_column_names_the_lead() =>
        Assert.Equal("$.externalId", (await Assert.ThrowsAsync<ImportMapException>(() => Import("colour,shape\nred,round\n"))).Path);

    [Fact]
    public async Task changes_what_is_given_and_leaves_what_is_not()
    {
        await Import("id,company,email\nA1,Muster GmbH,a@example.com\n");

        var report = await Import("id,company,email\nA1,Muster AG,\n");

        Assert.Equal(1, report.Totals.Events["lead-company-changed"]);
        var lead = Lead.Aggregate.Fold((await History("A1")).Select(each => (LeadEvent)each.Data));
        Assert.Equal(("Muster AG", "a@example.com"), (lead.Details.Company, lead.Details.Email));
    }

    [Fact]
    public async Task twice_changes_nothing()
    {
        const string File = "id,company\nA1,Muster GmbH\nA2,Beispiel AG\nA1,Muster GmbH\n";
        var first = await Import(File);
        var again = await Import(File);
        var other = await Import(File + "A2,Beispiel AG\n", mode: LeadsMode.Update);

        Assert.Equal((2, 0, 0), (first.Added, again.Added, other.Added));
        Assert.Equal(4, other.Totals.AlreadyThere);
    }

    [Fact]
    public async Task only_creating_leaves_a_lead_that_is_there_as_it_is()
    {
        await Import("id,company\nA1,Muster GmbH\n");

        var report = await Import("id,company\nA1,Muster AG\nA2,Beispiel AG\n", mode: LeadsMode.Create);

        Assert.Equal((1, 1), (report.Added, report.Totals.AlreadyThere));
    }

    [Fact]
    public async Task only_updating_rejects_a_lead_that_is_not_there()
    {
        var report = await Import("id,company\nA9,Muster AG\n", mode: LeadsMode.Update);

        Assert.Equal((0, 1), (report.Added, report.Totals.Rejected));
    }

    [Fact]
    public async Task rejects_what_the_rules_of_today_refuse()
    {
        var report = await Import(
            "id,email,created_at\nA1,not an address,\nA2,,2027-01-01\n,x@example.com,\nA3,x@example.com,2026-01-01\n");

        using var listed = CsvRows.Open(report.RejectedFile ?? "");
        Assert.Equal(
            [
                "created_at is empty: the row has no time", "the time of capture lies in the future",
                "the row names no lead, or by an id longer than 200 characters",
            ],
            listed.Rows().Select(row => row.Fields[2]));
        Assert.Equal(1, report.Added);
    }

    private Task<ImportReport> Import(string content, string? map = null, LeadsMode mode = LeadsMode.Both)
    {
        var file = Folder.Write("leads.csv", content);
        shown.Clear();
        return FileImport.Leads(Log, file, map, source: null, mode, Folder.Path("rejected.csv"), Now, shown.AddRange, progress: null, Ct);
    }

    private async Task<IReadOnlyList<RecordedEvent>> History(string externalId) =>
        await Log.ReadStream(await Log.FindHolder(LeadStream.ExternalIdScope, externalId, Ct) ?? Guid.Empty, Ct);
}
