using Crm.Domain.Leads;

namespace Crm.Application.Undo;

/// <summary>What became of one lead in an undo.</summary>
public enum UndoneLeadOutcome
{
    /// <summary>At least one field went back, by a new event.</summary>
    Reversed,

    /// <summary>Nothing to put back: others have changed it since, it was reversed before, or only facts were recorded.</summary>
    Unchanged,

    /// <summary>It could not be looked at or changed.</summary>
    Failed,
}

/// <summary>One lead in an undo.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Version">Its version after the undo; null where nothing was appended.</param>
/// <param name="Fields">Field by field what became of the changes; never a value.</param>
/// <param name="Why">Why it failed; null where it did not.</param>
public sealed record UndoneLead(
    Guid LeadId, UndoneLeadOutcome Outcome, long? Version, IReadOnlyList<FieldReversal> Fields, string? Why = null);

/// <summary>What an undo came to, or would come to.</summary>
/// <param name="OperationId">The operation under which its events stand; undoing that operation brings everything back.</param>
/// <param name="DryRun">Whether nothing was written.</param>
/// <param name="UpTo">The last position that was looked at.</param>
/// <param name="Events">How many unwanted events were found.</param>
/// <param name="Leads">In how many leads.</param>
/// <param name="Reversed">Leads of which something went back.</param>
/// <param name="Unchanged">Leads of which nothing did.</param>
/// <param name="Failed">Leads that failed.</param>
/// <param name="FieldsReversed">Fields that went back.</param>
/// <param name="FieldsKept">Fields that stay, since somebody else changed them later, and facts.</param>
/// <param name="FieldsFailed">Fields that should have gone back and could not.</param>
/// <param name="OtherStreams">Events of other kinds of stream by kind, which are not reversed here.</param>
/// <param name="Items">The leads: those with something failed first, then those with something kept, at most so many.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record UndoReport(
    string OperationId,
    bool DryRun,
    long UpTo,
    long Events,
    long Leads,
    long Reversed,
    long Unchanged,
    long Failed,
    long FieldsReversed,
    long FieldsKept,
    long FieldsFailed,
    IReadOnlyDictionary<string, long> OtherStreams,
    IReadOnlyList<UndoneLead> Items,
    double Seconds)
{
    /// <summary>How many leads a report names one by one.</summary>
    public const int MostItems = 1_000;

    /// <summary>Whether all that should go back did.</summary>
    public bool IsComplete => Failed == 0 && FieldsFailed == 0;
}
