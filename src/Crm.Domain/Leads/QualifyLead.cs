namespace Crm.Domain.Leads;

/// <summary>Finds a contacted lead worth a salesperson's time.</summary>
/// <param name="Score">A score set by hand, 0–100; null leaves the rules' score.</param>
public sealed record QualifyLead(int? Score) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Contacted, IsArchived: false } =>
            Score is null or (>= 0 and <= 100) ? new LeadQualified(Score) : LeadRefusals.InvalidScore,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New } => LeadRefusals.NotContacted,
        { Status: LeadStatus.Qualified } => Score is null || Score == lead.Score ? default(NoChange) : LeadRefusals.AlreadyQualified,
        { Status: LeadStatus.Converted } => LeadRefusals.AlreadyConverted,
        { Status: LeadStatus.Disqualified } => LeadRefusals.AlreadyDisqualified,
    };
}
