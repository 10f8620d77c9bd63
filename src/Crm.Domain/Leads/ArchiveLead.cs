namespace Crm.Domain.Leads;

/// <summary>Puts the lead away: out of lists and figures, its history kept.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record ArchiveLead(string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.AlreadyArchived,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            new LeadArchived(Reason),
    };
}
