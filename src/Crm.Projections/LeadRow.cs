using System.Diagnostics;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Projections;

/// <summary>
/// What the world sees of a lead: the domain's own state, and beside it when things happened and how often.
/// The row of the lead board, of the lead's history, and of <c>GET /leads/{id}</c> over the stream itself.
/// </summary>
public sealed record LeadRow
{
    /// <summary>The lead; its stream's id.</summary>
    public required Guid LeadId { get; init; }

    /// <summary>The version of the stream that this row shows.</summary>
    public required long Version { get; init; }

    /// <summary>The log's position of the last event that it shows.</summary>
    public required long Position { get; init; }

    /// <summary>The lead as the domain folds it.</summary>
    public required Lead Lead { get; init; }

    /// <summary>When the lead was captured.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// From when on the lead stood like this: the greatest time of its events so far, so that it never runs backwards along the
    /// versions, whatever times an import brings.
    /// </summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Since when the lead counts as contacted; null where it does not.</summary>
    public DateTimeOffset? ContactedAt { get; init; }

    /// <summary>Since when the lead counts as qualified; null where it does not.</summary>
    public DateTimeOffset? QualifiedAt { get; init; }

    /// <summary>When the lead was converted; null where it is not.</summary>
    public DateTimeOffset? ConvertedAt { get; init; }

    /// <summary>When the lead was disqualified; null where it is not.</summary>
    public DateTimeOffset? DisqualifiedAt { get; init; }

    /// <summary>Why the lead was disqualified; null where it is not, or nobody said why.</summary>
    public string? DisqualifyReason { get; init; }

    /// <summary>When the latest activity took place; null where there was none.</summary>
    public DateTimeOffset? LastActivityAt { get; init; }

    /// <summary>How many activities have been logged.</summary>
    public int ActivityCount { get; init; }

    /// <summary>How many notes have been written.</summary>
    public int NoteCount { get; init; }

    /// <summary>The version at which what a search looks in last changed; see <see cref="SearchText"/>.</summary>
    public long SearchVersion { get; init; }

    /// <summary>The row after a lead's event; null before the first.</summary>
    public static LeadRow Evolve(LeadRow? row, RecordedEvent recorded)
    {
        var happened = recorded.Data as LeadEvent
            ?? throw new UnreachableException($"{recorded.Type} is no event of a lead.");
        var at = Times.ToMicroseconds(recorded.At);
        var before = row ?? new LeadRow
        {
            LeadId = recorded.StreamId,
            Version = 0,
            Position = 0,
            Lead = Lead.Initial,
            CreatedAt = at,
            UpdatedAt = at,
        };
        var lead = Lead.Evolve(before.Lead, happened);
        if (recorded.IsErased)
        {
            // Of every version, not only the last: values stood in it, and are gone.
            lead = lead with { IsErased = true };
        }

        var after = before with
        {
            Version = recorded.Version,
            Position = recorded.Position,
            Lead = lead,
            UpdatedAt = Times.Later(before.UpdatedAt, at),
            SearchVersion = SearchText.Differs(before.Lead.Details, lead.Details) || row is null ? recorded.Version : before.SearchVersion,
        };
        return happened switch
        {
            LeadActivityLogged activity => after with
            {
                ActivityCount = before.ActivityCount + 1,
                LastActivityAt = Times.Later(before.LastActivityAt, Times.ToMicroseconds(activity.At)),
            },
            LeadNoteAdded => after with { NoteCount = before.NoteCount + 1 },
            LeadErased => after with { DisqualifyReason = null },
            LeadDisqualified disqualified => after.Standing() with { DisqualifyReason = disqualified.Reason },
            LeadCaptured or LeadContacted or LeadQualified or LeadReopened or LeadConverted or LeadUnconverted or LeadRestored
                or LeadChangesReversed => after.Standing(),
            LeadCaptureTimeCorrected corrected => after with { CreatedAt = Times.ToMicroseconds(corrected.CapturedAt) },
            LeadContactDetailsChanged or LeadCompanyChanged or LeadValueChanged or LeadSourceChanged or LeadTagsChanged
                or LeadExternalIdChanged or LeadAssigned or LeadClaimed or LeadUnassigned or LeadTransferred
                or LeadAssignmentCompleted or LeadArchived or LeadUnarchived or LeadScoreChanged => after,
            _ => throw new UnreachableException($"No row for {happened.GetType().Name}"),
        };
    }

    /// <summary>The row after a stream's history; null for an empty one.</summary>
    public static LeadRow? Fold(IEnumerable<RecordedEvent> history) => history.Aggregate((LeadRow?)null, Evolve);

    /// <summary>
    /// The row as it stood at a time: the longest beginning of the history whose events had all happened by then; null before the first.
    /// </summary>
    public static LeadRow? FoldAsOf(IEnumerable<RecordedEvent> history, DateTimeOffset asOf) =>
        Fold(history.TakeWhile(recorded => recorded.At <= asOf));

    /// <summary>The milestones that go with the status: kept where they stand, begun where new, gone where they no longer hold.</summary>
    private LeadRow Standing() => Lead.Status switch
    {
        LeadStatus.New or LeadStatus.Missing => this with
        {
            ContactedAt = null,
            QualifiedAt = null,
            ConvertedAt = null,
            DisqualifiedAt = null,
            DisqualifyReason = null,
        },
        LeadStatus.Contacted => this with
        {
            ContactedAt = ContactedAt ?? UpdatedAt,
            QualifiedAt = null,
            ConvertedAt = null,
            DisqualifiedAt = null,
            DisqualifyReason = null,
        },
        LeadStatus.Qualified => this with
        {
            QualifiedAt = QualifiedAt ?? UpdatedAt,
            ConvertedAt = null,
            DisqualifiedAt = null,
            DisqualifyReason = null,
        },
        LeadStatus.Converted => this with { ConvertedAt = ConvertedAt ?? UpdatedAt, DisqualifiedAt = null, DisqualifyReason = null },
        LeadStatus.Disqualified => this with { ConvertedAt = null, DisqualifiedAt = DisqualifiedAt ?? UpdatedAt },
    };
}
