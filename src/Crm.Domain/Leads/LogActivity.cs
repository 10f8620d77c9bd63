namespace Crm.Domain.Leads;

/// <summary>
/// Logs a contact that took place. Two contacts may be alike in everything, so repetition is told by the request's idempotency key, not
/// here. The first outward one makes a new lead contacted.
/// </summary>
/// <param name="ActivityId">The activity's identifier, new.</param>
/// <param name="Kind">Call, e-mail, meeting, SMS or visit.</param>
/// <param name="Direction">From the lead to us, or from us to the lead.</param>
/// <param name="At">When it took place.</param>
/// <param name="Now">The time of the request.</param>
public sealed record LogActivity(Guid ActivityId, ActivityKind Kind, ActivityDirection Direction, DateTimeOffset At, DateTimeOffset Now)
    : ICommand<Lead, LeadEvent>
{
    /// <summary>What it was about.</summary>
    public string? Subject { get; init; }

    /// <summary>What was said.</summary>
    public string? Notes { get; init; }

    /// <summary>How long it took, in seconds.</summary>
    public int? DurationSeconds { get; init; }

    /// <summary>What came of it.</summary>
    public string? Outcome { get; init; }

    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New } => Direction == ActivityDirection.Out ? Logged(new LeadContacted()) : Logged(),
        { Status: LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } => Logged(),
    };

    private Decision<LeadEvent> Logged(params ReadOnlySpan<LeadEvent> andSo) => At > Now
        ? LeadRefusals.InTheFuture
        : [new LeadActivityLogged(ActivityId, Kind, Direction, At.ToUniversalTime(), Subject, Notes, DurationSeconds, Outcome), .. andSo];
}
