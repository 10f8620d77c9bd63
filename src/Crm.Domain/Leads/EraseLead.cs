namespace Crm.Domain.Leads;

/// <summary>Erases the person behind the lead. Status, owner, value, source and dates stay; who it was is gone for good.</summary>
/// <param name="Reason">Why; kept.</param>
/// <param name="RequestedBy">On whose demand; kept.</param>
/// <param name="Traces">What told the person from others: neither text may hold any of it.</param>
public sealed record EraseLead(string Reason, string RequestedBy, PersonTraces Traces) : ICommand<Lead, LeadEvent>
{
    /// <summary>Whether the key of the personal data had been lost: nobody could read them any more.</summary>
    public bool KeyWasLost { get; init; }

    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Traces.AreIn(Reason) ? LeadRefusals.NamesThePerson("/reason")
            : Traces.AreIn(RequestedBy) ? LeadRefusals.NamesThePerson("/requestedBy")
            : new LeadErased(Reason, RequestedBy, KeyWasLost ? true : null),
    };
}
