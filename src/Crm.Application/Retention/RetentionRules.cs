using System.Globalization;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Retention;

/// <summary>How long leads are kept without activity, in whole months; null where they are kept for good.</summary>
/// <param name="ArchiveAfterMonths">After so many months a lead that is no customer is put away.</param>
/// <param name="EraseAfterMonths">After so many months the person behind a lead that was put away is erased.</param>
public sealed record RetentionRules(int? ArchiveAfterMonths, int? EraseAfterMonths)
{
    /// <summary>Whether there is any rule.</summary>
    public bool IsOn => ArchiveAfterMonths is not null || EraseAfterMonths is not null;

    /// <summary>What is wrong with them; null when nothing is.</summary>
    public string? Fault =>
        ArchiveAfterMonths is < 1 || EraseAfterMonths is < 1 ? "A lead is kept for at least one month."
        : EraseAfterMonths < ArchiveAfterMonths ? "Nobody is erased before their lead is put away: EraseAfterMonths is less than ArchiveAfterMonths."
        : null;

    /// <summary>The rules in short: what a dry run of the same rules is known by.</summary>
    public string Key => $"archive={Word(ArchiveAfterMonths)};erase={Word(EraseAfterMonths)}";

    /// <summary>What is due for a lead; null where nothing is.</summary>
    /// <param name="lead">The lead.</param>
    /// <param name="lastActivity">When something was last done with it; see <see cref="LastActivity"/>.</param>
    /// <param name="now">The time of the run.</param>
    public RetentionStep? Due(Lead lead, DateTimeOffset lastActivity, DateTimeOffset now) => lead switch
    {
        { IsErased: true } or { Status: LeadStatus.Missing } => null,
        { IsArchived: true } => IsOver(EraseAfterMonths, lastActivity, now) ? RetentionStep.Erase : null,

        // A customer is not forgotten because it is quiet.
        { Status: LeadStatus.Converted } => null,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Disqualified } =>
            IsOver(ArchiveAfterMonths, lastActivity, now) ? RetentionStep.Archive : null,
    };

    /// <summary>
    /// When something was last done with a lead. Putting it away is not work on it, and neither is what rules and repairs do by themselves.
    /// </summary>
    public static DateTimeOffset LastActivity(IEnumerable<RecordedEvent> history) => history
        .Where(static recorded => recorded.Data is not (LeadArchived or LeadScoreChanged or LeadCaptureTimeCorrected))
        .Select(static recorded => recorded.At)
        .DefaultIfEmpty(DateTimeOffset.MaxValue)
        .Max();

    private static string Word(int? months) => months?.ToString(CultureInfo.InvariantCulture) ?? "never";

    private static bool IsOver(int? months, DateTimeOffset lastActivity, DateTimeOffset now) =>
        months is { } kept && lastActivity <= now.AddMonths(-kept);
}

/// <summary>What retention does to a lead.</summary>
public enum RetentionStep
{
    /// <summary>It is put away.</summary>
    Archive,

    /// <summary>The person is erased.</summary>
    Erase,
}
