namespace Crm.Domain.Leads;

/// <summary>Captures somebody who may buy, scored by the rules in force.</summary>
/// <param name="Details">What is known; at least one of family name, company, e-mail, telephone and external id.</param>
/// <param name="Owner">The agent it is given to at once; null for nobody.</param>
public sealed record CaptureLead(LeadDetails Details, Agent? Owner) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { Status: LeadStatus.Missing } => Capture(Details with { Tags = LeadTags.Normalized(Details.Tags) }),
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            LeadRefusals.AlreadyExists,
    };

    private Decision<LeadEvent> Capture(LeadDetails details)
    {
        if ((LeadRefusals.Of(details) ?? Owner?.WhyNot) is { } refusal)
        {
            return refusal;
        }

        var captured = new LeadCaptured(details, LeadScore.Of(details, default), LeadScore.CurrentRules);
        return Owner is null ? captured : [captured, new LeadAssigned(Owner.Id)];
    }
}
