using Crm.Domain.Leads;

namespace Crm.Domain.Tests.Leads;

/// <summary>The facts that the specifications of leads begin with.</summary>
public static class LeadFacts
{
    public static readonly Guid Anna = new("01930000-0000-7000-8000-00000000000a");
    public static readonly Guid Boris = new("01930000-0000-7000-8000-00000000000b");
    public static readonly Agent AgentAnna = new(Anna, Exists: true, IsActive: true);
    public static readonly Agent AgentBoris = new(Boris, Exists: true, IsActive: true);
    public static readonly Agent InactiveBoris = new(Boris, Exists: true, IsActive: false);
    public static readonly Agent Nobody = new(new Guid("01930000-0000-7000-8000-00000000000c"), Exists: false, IsActive: false);

    public static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);
    public static readonly Guid FirstActivity = new("01930000-0000-7000-8000-0000000000a1");
    public static readonly Guid FirstNote = new("01930000-0000-7000-8000-0000000000b1");

    /// <summary>Scored 5 for the name, 15 for the e-mail address, 10 for the company.</summary>
    public static readonly LeadDetails Ada = LeadDetails.Unknown with
    {
        FirstName = "Ada",
        LastName = "Byron",
        Email = "ada@example.com",
        Company = "Analytical Engines",
    };

    public static readonly LeadCaptured Captured = new(Ada, 30, 1);
    public static readonly LeadAssigned Assigned = new(Anna);
    public static readonly LeadAssignmentCompleted AssignmentCompleted = new("done");
    public static readonly LeadActivityLogged CalledOut =
        new(FirstActivity, ActivityKind.Call, ActivityDirection.Out, Noon, "Hello", null, 60, null);

    public static readonly LeadContacted Contacted = new();
    public static readonly LeadQualified Qualified = new(null);
    public static readonly LeadDisqualified Disqualified = new("no budget");
    public static readonly LeadConverted Converted = new(null, null);
    public static readonly LeadArchived Archived = new("old");
    public static readonly LeadErased Erased = new("Article 17", "the person, by letter");

    public static Spec<Lead, LeadEvent> Given(params LeadEvent[] history) => new(Lead.Aggregate, history);

    /// <summary>What every command to an existing lead refuses alike.</summary>
    public static TheoryData<string, ICommand<Lead, LeadEvent>> CommandsToAnExistingLead => new()
    {
        { "change", new ChangeLead { Company = "Other" } },
        { "assign", new AssignLead(AgentAnna) },
        { "claim", new ClaimLead(AgentAnna) },
        { "unassign", new UnassignLead() },
        { "transfer", new TransferLead(AgentBoris, null) },
        { "complete", new CompleteAssignment(Anna, MayActForOthers: true, null) },
        { "activity", new LogActivity(FirstActivity, ActivityKind.Call, ActivityDirection.Out, Noon, Noon) },
        { "note", new AddNote(FirstNote, "text") },
        { "qualify", new QualifyLead(null) },
        { "disqualify", new DisqualifyLead(null) },
        { "reopen", new ReopenLead(null) },
        { "convert", new ConvertLead(null, null) },
        { "unconvert", new UnconvertLead(null) },
        { "score", new ScoreLead() },
    };
}
