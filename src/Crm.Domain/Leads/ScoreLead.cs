namespace Crm.Domain.Leads;

/// <summary>Scores the lead anew by the rules in force. A score set by hand stays.</summary>
public sealed record ScoreLead : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { ScoreSetByHand: true } => default(NoChange),
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Rescored(lead),
    };

    private static Decision<LeadEvent> Rescored(Lead lead)
    {
        var score = LeadScore.Of(lead.Details, lead.Engagement);
        return (lead.Score, lead.ScoreRules) == (score, LeadScore.CurrentRules)
            ? default(NoChange)
            : new LeadScoreChanged(score, LeadScore.CurrentRules);
    }
}
