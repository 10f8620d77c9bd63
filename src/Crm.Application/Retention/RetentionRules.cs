using System.Globalization;
using Crm.Domain.Leads;

namespace Crm.Application.Retention;

/// <summary>How long leads are kept without activity, in whole months; null where they are kept for good.</summary>
/// <param name="ArchiveAfterMonths">After so many months a lead that is no customer is put away.</param>
/// <param name="EraseAfterMonths">After so many months the person behind a lead that was put away is erased.</param>
/// <param name="KeepPutAwayForDays">For how many days a lead has been put away before anybody is erased: the time to object.</param>
public sealed record RetentionRules(int? ArchiveAfterMonths, int? EraseAfterMonths, int KeepPutAwayForDays = 30)
{
    /// <summary>Whether there is any rule.</summary>
    public bool IsOn => ArchiveAfterMonths is not null || EraseAfterMonths is not null;

    /// <summary>What is wrong with them; null when nothing is.</summary>
    public string? Fault =>
        ArchiveAfterMonths is < 1 || EraseAfterMonths is < 1 ? "A lead is kept for at least one month."
        : ArchiveAfterMonths is > 1200 || EraseAfterMonths is > 1200 ? "Nothing is kept for more than 1200 months: leave the rule out."
        : EraseAfterMonths < ArchiveAfterMonths ? "Nobody is erased before their lead is put away: EraseAfterMonths is less than ArchiveAfterMonths."
        : KeepPutAwayForDays is < 1 or > 36_500 ? "A lead that was put away is kept for at least one day: KeepPutAwayForDays."
        : null;

    /// <summary>The rules in short.</summary>
    public string Key => string.Create(
        CultureInfo.InvariantCulture,
        $"archive={Word(ArchiveAfterMonths)};erase={Word(EraseAfterMonths)};put-away-days={KeepPutAwayForDays}");

    /// <summary>What is due for a lead; null where nothing is.</summary>
    /// <param name="quiet">The lead, and since when it has been quiet.</param>
    /// <param name="now">The time of the dry run.</param>
    public RetentionStep? Due(QuietLead quiet, DateTimeOffset now) => quiet.Lead switch
    {
        { IsErased: true } or { Status: LeadStatus.Missing } => null,
        { IsArchived: true } =>
            IsOver(EraseAfterMonths, quiet.LastActivity, now) && quiet.PutAwayAt <= now.AddDays(-KeepPutAwayForDays) ? RetentionStep.Erase : null,

        // A customer is not forgotten because it is quiet.
        { Status: LeadStatus.Converted } => null,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Disqualified } =>
            IsOver(ArchiveAfterMonths, quiet.LastActivity, now) ? RetentionStep.Archive : null,
    };

    /// <summary>Why a step is due, as the event that is appended says it.</summary>
    public string Because(RetentionStep step) => string.Create(
        CultureInfo.InvariantCulture,
        $"No activity for {step switch { RetentionStep.Archive => ArchiveAfterMonths, RetentionStep.Erase => EraseAfterMonths }} months.");

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
