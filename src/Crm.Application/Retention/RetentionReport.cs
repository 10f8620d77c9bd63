namespace Crm.Application.Retention;

/// <summary>What a run of the retention rules, or a dry run, came to.</summary>
/// <param name="Rules">The rules.</param>
/// <param name="DryRun">Whether nothing was done and the counts say what would be.</param>
/// <param name="TriedOutAt">The time of the dry run, which says what is due.</param>
/// <param name="Position">The log's last position at the dry run.</param>
/// <param name="Leads">Leads that the log held then.</param>
/// <param name="Archived">Leads put away, whether now or by an earlier run of the same dry run.</param>
/// <param name="Erased">Persons erased, likewise.</param>
/// <param name="Before">How many of both an earlier run of the same dry run had done.</param>
/// <param name="MovedOn">Leads that were due and that something has happened to since: left alone.</param>
/// <param name="Unreadable">Leads whose history cannot be read: left alone.</param>
public sealed record RetentionReport(
    RetentionRules Rules,
    bool DryRun,
    DateTimeOffset TriedOutAt,
    long Position,
    long Leads,
    long Archived,
    long Erased,
    long Before,
    long MovedOn,
    long Unreadable)
{
    /// <summary>What is due, lead by lead, in the order of their ids; empty unless it is a dry run.</summary>
    public IReadOnlyList<DueLead> Due { get; init; } = [];

    /// <summary>Nothing yet.</summary>
    public static RetentionReport Begin(RetentionRules rules, bool dryRun, DateTimeOffset at, long position) =>
        new(rules, dryRun, at, position, 0, 0, 0, 0, 0, 0);
}

/// <summary>A lead that a dry run found due.</summary>
/// <param name="Id">The lead.</param>
/// <param name="What">What is due: <c>archive</c> or <c>erase</c>.</param>
/// <param name="Why">By which rule.</param>
/// <param name="Since">When something was last done with it.</param>
/// <param name="PutAwayAt">When it was put away; null where it is not.</param>
public sealed record DueLead(Guid Id, RetentionStep What, string Why, DateTimeOffset Since, DateTimeOffset? PutAwayAt);
