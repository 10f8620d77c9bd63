namespace Crm.Domain.Leads;

/// <summary>
/// Corrects a time of capture that lay in the future when the log took the event: to the time at which the log took it, since the lead was
/// known by then at the latest. Also of an archived lead: it says nothing new of it.
/// </summary>
/// <param name="Stands">When the lead is said to have been captured.</param>
/// <param name="RecordedAt">When the log took the capture.</param>
public sealed record CorrectCaptureTime(DateTimeOffset Stands, DateTimeOffset RecordedAt) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Stands > RecordedAt ? new LeadCaptureTimeCorrected(RecordedAt) : default(NoChange),
    };
}
