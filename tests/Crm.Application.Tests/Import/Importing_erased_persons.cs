using Crm.Application.Import;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Tests.Import;

public sealed class Importing_erased_persons : ImportedLog
{
    private const string Map =
        """
        { "source": "calls", "lead": "lead", "time": { "column": "at" },
          "rules": [ { "when": { "what": "new" }, "event": "captured" }, { "when": { "what": "call" }, "event": "activity", "kind": "call", "direction": "out" } ] }
        """;

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task brings_nobody_back_with_the_same_history()
    {
        const string First = "lead,what,at\nL1,new,2024-01-01\nL2,new,2024-01-01\n";
        await History(First);
        var erased = await Erase("L1");

        // The same rows are known; new ones of the person are rejected, and those of others taken.
        var again = await History(First + "L1,call,2024-02-01\nL2,call,2024-02-01\n");
        Assert.Equal((1, 1), (again.Totals.Rejected, again.Added));
        Assert.Contains("erased", await File.ReadAllTextAsync(Folder.Path("rejected.csv"), Ct), StringComparison.Ordinal);
        Assert.Equal(2, (await Log.ReadStream(erased, Ct)).Count);
        Assert.Null(await Log.FindHolder(LeadStream.ExternalIdScope, "L1", Ct));
    }

    [Fact]
    public async Task brings_nobody_back_with_a_list_of_leads()
    {
        await Leads("id,company\nA1,Muster GmbH\nA2,Beispiel AG\n");
        var erased = await Erase("A1");
        var again = await Leads("id,company\nA1,Muster GmbH\nA2,Beispiel GmbH\n");

        Assert.Equal((1, 1), (again.Totals.Rejected, again.Added));
        Assert.Equal(2, (await Log.ReadStream(erased, Ct)).Count);
    }

    private Task<ImportReport> History(string content) => FileImport.History(
        Log, Folder.Write("calls.csv", content), Map, source: null, Folder.Path("rejected.csv"), progress: null, Ct);

    private Task<ImportReport> Leads(string content) => FileImport.Leads(
        Log, Folder.Write("leads.csv", content), map: null, source: null, LeadsMode.Both, Folder.Path("rejected.csv"), Now, _ => { }, progress: null, Ct);

    private async Task<Guid> Erase(string externalId)
    {
        var lead = await Log.FindHolder(LeadStream.ExternalIdScope, externalId, Ct) ?? throw new InvalidOperationException("It was not imported.");
        using var commands = new CommandRunner(Log);
        var context = new CommandContext(Envelope.System, Now, Scope.System);
        var command = new EraseLead("Article 17", "the person", PersonTraces.None);
        Assert.IsType<CommandResult.Done>(await commands.Run(LeadStream.Kind, lead, command, context, Ct));
        return lead;
    }
}
