namespace Crm.Domain.Leads;

/// <summary>Something that happened to a lead. Who, when, why and under which operation stand in the envelope.</summary>
public abstract record LeadEvent
{
    private protected LeadEvent()
    {
    }

    /// <summary>The name under which each event is stored, for good: a literal, never changed, never reused.</summary>
    public static IReadOnlyDictionary<string, Type> StoredNames { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["lead-captured"] = typeof(LeadCaptured),
        ["lead-contact-details-changed"] = typeof(LeadContactDetailsChanged),
        ["lead-company-changed"] = typeof(LeadCompanyChanged),
        ["lead-value-changed"] = typeof(LeadValueChanged),
        ["lead-source-changed"] = typeof(LeadSourceChanged),
        ["lead-tags-changed"] = typeof(LeadTagsChanged),
        ["lead-external-id-changed"] = typeof(LeadExternalIdChanged),
        ["lead-assigned"] = typeof(LeadAssigned),
        ["lead-claimed"] = typeof(LeadClaimed),
        ["lead-unassigned"] = typeof(LeadUnassigned),
        ["lead-transferred"] = typeof(LeadTransferred),
        ["lead-assignment-completed"] = typeof(LeadAssignmentCompleted),
        ["lead-activity-logged"] = typeof(LeadActivityLogged),
        ["lead-note-added"] = typeof(LeadNoteAdded),
        ["lead-contacted"] = typeof(LeadContacted),
        ["lead-qualified"] = typeof(LeadQualified),
        ["lead-disqualified"] = typeof(LeadDisqualified),
        ["lead-reopened"] = typeof(LeadReopened),
        ["lead-converted"] = typeof(LeadConverted),
        ["lead-unconverted"] = typeof(LeadUnconverted),
        ["lead-archived"] = typeof(LeadArchived),
        ["lead-unarchived"] = typeof(LeadUnarchived),
        ["lead-restored"] = typeof(LeadRestored),
        ["lead-score-changed"] = typeof(LeadScoreChanged),
        ["lead-erased"] = typeof(LeadErased),
        ["lead-changes-reversed"] = typeof(LeadChangesReversed),
        ["lead-capture-time-corrected"] = typeof(LeadCaptureTimeCorrected),
    };
}

/// <summary>A lead was captured: the business learnt of somebody who may buy.</summary>
/// <param name="Details">What is known of them.</param>
/// <param name="Score">The score at capture, 0–100.</param>
/// <param name="ScoreRules">The version of the scoring rules that gave it.</param>
public sealed record LeadCaptured(LeadDetails Details, int Score, int ScoreRules) : LeadEvent;

/// <summary>The person's name, e-mail address or telephone number changed; the values are all of them as they now stand.</summary>
public sealed record LeadContactDetailsChanged(
    [property: Personal] string? FirstName,
    [property: Personal] string? LastName,
    [property: Personal] string? Email,
    [property: Personal] string? Phone) : LeadEvent;

/// <summary>The company changed; null when it is no longer known.</summary>
public sealed record LeadCompanyChanged([property: Personal] string? Company) : LeadEvent;

/// <summary>The expected value changed; null when it is no longer known.</summary>
public sealed record LeadValueChanged(Money? Value) : LeadEvent;

/// <summary>The source that the lead is attributed to changed.</summary>
public sealed record LeadSourceChanged(string? Source) : LeadEvent;

/// <summary>The tags changed; the list is all of them as they now stand, sorted, without repetition.</summary>
public sealed record LeadTagsChanged(IReadOnlyList<string> Tags) : LeadEvent
{
    /// <summary>All tags as they now stand, sorted, without repetition; empty where the stored event does not say any.</summary>
    [Personal]
    public IReadOnlyList<string> Tags { get; init; } = Tags ?? [];

    /// <inheritdoc/>
    public bool Equals(LeadTagsChanged? other) => other is not null && Tags.SequenceEqual(other.Tags, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => Tags.Count;
}

/// <summary>The lead's identifier in another system changed; null when it has none there any more.</summary>
public sealed record LeadExternalIdChanged([property: Personal] string? ExternalId) : LeadEvent;

/// <summary>The lead was given to an agent.</summary>
public sealed record LeadAssigned(Guid AgentId) : LeadEvent;

/// <summary>An agent took an unassigned lead.</summary>
public sealed record LeadClaimed(Guid AgentId) : LeadEvent;

/// <summary>The lead was taken from its agent and belongs to nobody now.</summary>
public sealed record LeadUnassigned : LeadEvent;

/// <summary>The lead went from its agent to another.</summary>
public sealed record LeadTransferred(Guid AgentId, [property: Personal] string? Reason) : LeadEvent;

/// <summary>The agent finished what the assignment asked for. The lead stays theirs; another may claim it.</summary>
public sealed record LeadAssignmentCompleted([property: Personal] string? Outcome) : LeadEvent;

/// <summary>Contact with the lead took place.</summary>
/// <param name="ActivityId">The activity's identifier, unique in the log.</param>
/// <param name="Kind">Call, e-mail, meeting, SMS or visit.</param>
/// <param name="Direction">From the lead to us, or from us to the lead.</param>
/// <param name="At">When it took place (for a call: when it ended).</param>
/// <param name="Subject">What it was about.</param>
/// <param name="Notes">What was said.</param>
/// <param name="DurationSeconds">How long it took, in seconds.</param>
/// <param name="Outcome">What came of it.</param>
public sealed record LeadActivityLogged(
    Guid ActivityId,
    ActivityKind Kind,
    ActivityDirection Direction,
    DateTimeOffset At,
    [property: Personal] string? Subject,
    [property: Personal] string? Notes,
    int? DurationSeconds,
    [property: Personal] string? Outcome) : LeadEvent;

/// <summary>Somebody wrote a note on the lead.</summary>
public sealed record LeadNoteAdded(Guid NoteId, [property: Personal(ErasedAs = PersonalAttribute.Erased)] string Text) : LeadEvent;

/// <summary>The lead was reached out to for the first time.</summary>
public sealed record LeadContacted : LeadEvent;

/// <summary>The lead is worth a salesperson's time.</summary>
/// <param name="Score">A score set by hand, 0–100; null where the rules' score stands.</param>
public sealed record LeadQualified(int? Score) : LeadEvent;

/// <summary>The lead will not buy.</summary>
public sealed record LeadDisqualified([property: Personal] string? Reason) : LeadEvent;

/// <summary>A disqualified lead is worked on again.</summary>
public sealed record LeadReopened([property: Personal] string? Reason) : LeadEvent;

/// <summary>The lead became a customer with an opportunity.</summary>
public sealed record LeadConverted(ConvertedOpportunity? Opportunity, ConvertedCustomer? Customer) : LeadEvent;

/// <summary>The opportunity that a conversion names.</summary>
public sealed record ConvertedOpportunity([property: Personal] string? Name, Money? Value, DateOnly? ExpectedClose);

/// <summary>The customer that a conversion names.</summary>
public sealed record ConvertedCustomer([property: Personal] string? Name);

/// <summary>The conversion was a mistake: the lead is qualified again.</summary>
public sealed record LeadUnconverted([property: Personal] string? Reason) : LeadEvent;

/// <summary>The lead was put away: out of lists and figures, its history kept.</summary>
public sealed record LeadArchived([property: Personal] string? Reason) : LeadEvent;

/// <summary>The lead was brought back from the archive.</summary>
public sealed record LeadUnarchived([property: Personal] string? Reason) : LeadEvent;

/// <summary>The lead was put back to how it stood at an earlier version; what happened since stays in its history.</summary>
/// <param name="ToVersion">The version to whose state the lead went back.</param>
/// <param name="Details">The details as they stood then.</param>
/// <param name="Status">The status as it stood then.</param>
/// <param name="OwnerId">The owner as it stood then.</param>
/// <param name="AssignmentOpen">Whether that owner's assignment was open.</param>
/// <param name="IsArchived">Whether the lead was archived.</param>
/// <param name="Score">The score as it stood then.</param>
/// <param name="ScoreRules">The rules that gave it.</param>
/// <param name="ScoreSetByHand">Whether it had been set by hand.</param>
/// <param name="Reason">Why.</param>
public sealed record LeadRestored(
    long ToVersion,
    LeadDetails Details,
    LeadStatus Status,
    Guid? OwnerId,
    bool AssignmentOpen,
    bool IsArchived,
    int Score,
    int ScoreRules,
    bool ScoreSetByHand,
    [property: Personal] string? Reason) : LeadEvent;

/// <summary>The score by the rules changed because of what happened just before.</summary>
/// <param name="Score">The score now, 0–100.</param>
/// <param name="Rules">The version of the rules that gave it.</param>
public sealed record LeadScoreChanged(int Score, int Rules) : LeadEvent;

/// <summary>
/// The person behind the lead was erased, for good: nobody can read any more what stood of them in this lead's events. What happened, when
/// and by whom stays, and so do both texts here, which therefore must not tell who it was.
/// </summary>
/// <param name="Reason">Why.</param>
/// <param name="RequestedBy">On whose demand, such as <c>the person, by letter</c>.</param>
/// <param name="KeyWasLost">True where the key had been lost before, so that there was none to destroy; null otherwise.</param>
public sealed record LeadErased(string Reason, string RequestedBy, bool? KeyWasLost = null) : LeadEvent;

/// <summary>
/// Some earlier events were found to be unwanted, and what they changed was put back where nobody else had changed it since. The values
/// are all of them as they now stand; the history keeps the events.
/// </summary>
/// <param name="Versions">The events, by their versions in this stream.</param>
/// <param name="Details">The details as they now stand.</param>
/// <param name="Status">The status as it now stands.</param>
/// <param name="OwnerId">The owner as it now stands.</param>
/// <param name="AssignmentOpen">Whether that owner's assignment is open.</param>
/// <param name="IsArchived">Whether the lead is archived: always where its very capture was unwanted.</param>
/// <param name="Score">The score as it now stands.</param>
/// <param name="ScoreRules">The rules that gave it.</param>
/// <param name="ScoreSetByHand">Whether it was set by hand.</param>
/// <param name="Reason">Why.</param>
public sealed record LeadChangesReversed(
    IReadOnlyList<long> Versions,
    LeadDetails Details,
    LeadStatus Status,
    Guid? OwnerId,
    bool AssignmentOpen,
    bool IsArchived,
    int Score,
    int ScoreRules,
    bool ScoreSetByHand,
    [property: Personal] string? Reason) : LeadEvent
{
    /// <summary>The events, by their versions in this stream.</summary>
    public IReadOnlyList<long> Versions { get; init; } = Versions ?? [];

    /// <inheritdoc/>
    public bool Equals(LeadChangesReversed? other) => other is not null
        && Versions.SequenceEqual(other.Versions)
        && (Details, Status, OwnerId) == (other.Details, other.Status, other.OwnerId)
        && (AssignmentOpen, IsArchived) == (other.AssignmentOpen, other.IsArchived)
        && (Score, ScoreRules, ScoreSetByHand, Reason) == (other.Score, other.ScoreRules, other.ScoreSetByHand, other.Reason);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Versions.Count, Details, Status, OwnerId, Reason);
}

/// <summary>
/// The time at which the lead is said to have been captured was wrong, such as one that lay in the future when it was recorded. The
/// capture's own entry in the history keeps the time that it came with.
/// </summary>
/// <param name="CapturedAt">When the lead was captured, as far as is known.</param>
public sealed record LeadCaptureTimeCorrected(DateTimeOffset CapturedAt) : LeadEvent;
