using System.Diagnostics;
using System.Globalization;
using Crm.Domain;
using Crm.Domain.Leads;
using ActivityKind = Crm.Domain.Leads.ActivityKind;

namespace Crm.Projections;

/// <summary>Tells an event of a lead to people, in one sentence.</summary>
public static class LeadSentence
{
    private const string Gone = "[erased]";

    /// <summary>The sentence, and the agent whose name belongs where <see cref="LeadTimeline.AgentPlace"/> stands.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="isErased">Whether what it told of the person is erased, and so reads as absent.</param>
    public static (string Sentence, Guid? AgentId) Of(LeadEvent happened, bool isErased = false) => happened switch
    {
        LeadCaptured captured => (Captured(captured), null),
        LeadContactDetailsChanged changed => (
            $"Contact details changed to {Known(Joined(changed.FirstName, changed.LastName, changed.Email, changed.Phone), isErased)}.", null),
        LeadCompanyChanged changed => ($"Company changed to {Known(changed.Company, isErased)}.", null),
        LeadValueChanged changed => ($"Expected value changed to {Known(Of(changed.Value))}.", null),
        LeadSourceChanged changed => ($"Source changed to {Known(changed.Source)}.", null),
        LeadTagsChanged when isErased => ($"Tags are now {Gone}.", null),
        LeadTagsChanged { Tags: [] } => ("All tags were taken off.", null),
        LeadTagsChanged changed => ($"Tags are now {string.Join(", ", changed.Tags)}.", null),
        LeadExternalIdChanged changed => ($"External id changed to {Known(changed.ExternalId, isErased)}.", null),
        LeadAssigned assigned => ($"Assigned to {LeadTimeline.AgentPlace}.", assigned.AgentId),
        LeadClaimed claimed => ($"Claimed by {LeadTimeline.AgentPlace}.", claimed.AgentId),
        LeadUnassigned => ("Taken from its agent.", null),
        LeadTransferred transferred => ($"Transferred to {LeadTimeline.AgentPlace}{Because(transferred.Reason)}.", transferred.AgentId),
        LeadAssignmentCompleted completed => ($"Assignment completed{Because(completed.Outcome)}.", null),
        LeadActivityLogged activity => (Of(activity), null),
        LeadNoteAdded note => ($"Note: {note.Text}", null),
        LeadContacted => ("Contacted for the first time.", null),
        LeadQualified qualified => (qualified.Score is { } score ? $"Qualified with a score of {Number(score)}." : "Qualified.", null),
        LeadDisqualified disqualified => ($"Disqualified{Because(disqualified.Reason)}.", null),
        LeadReopened reopened => ($"Reopened{Because(reopened.Reason)}.", null),
        LeadConverted converted => (Converted(converted), null),
        LeadUnconverted unconverted => ($"Conversion taken back{Because(unconverted.Reason)}.", null),
        LeadArchived archived => ($"Archived{Because(archived.Reason)}.", null),
        LeadUnarchived unarchived => ($"Brought back from the archive{Because(unarchived.Reason)}.", null),
        LeadRestored restored => ($"Restored to version {Number(restored.ToVersion)}{Because(restored.Reason)}.", null),
        LeadErased erased => ($"The person was erased, as {erased.RequestedBy} asked: {erased.Reason}", null),
        LeadChangesReversed reversed => (Reversed(reversed), null),
        LeadCaptureTimeCorrected corrected => (
            string.Create(CultureInfo.InvariantCulture, $"Time of capture corrected to {corrected.CapturedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC."),
            null),
        LeadScoreChanged changed => ($"Score is now {Number(changed.Score)} ({Words.Of(LeadScore.TemperatureOf(changed.Score))}).", null),
        _ => throw new UnreachableException($"No sentence for {happened.GetType().Name}"),
    };

    private static string Reversed(LeadChangesReversed reversed)
    {
        var versions = string.Join(", ", reversed.Versions.Take(10).Select(Number)) + (reversed.Versions.Count > 10 ? " and more" : "");
        return $"What versions {versions} changed was put back where it still stood{Because(reversed.Reason)}.";
    }

    private static string Captured(LeadCaptured captured)
    {
        var details = captured.Details;
        var who = Joined(Spaced(details.FirstName, details.LastName), details.Company);
        var from = details.Source is null ? "" : $" from {details.Source}";
        return $"Captured{(who is null ? "" : $" {who}")}{from}{(details.Value is null ? "" : $", expected value {Of(details.Value)}")}.";
    }

    private static string Of(LeadActivityLogged activity)
    {
        var what = (activity.Kind, activity.Direction) switch
        {
            (ActivityKind.Call, ActivityDirection.Out) => "Called the lead",
            (ActivityKind.Call, ActivityDirection.In) => "The lead called",
            (ActivityKind.Email, ActivityDirection.Out) => "E-mailed the lead",
            (ActivityKind.Email, ActivityDirection.In) => "The lead e-mailed",
            (ActivityKind.Meeting, ActivityDirection.Out) => "Met the lead",
            (ActivityKind.Meeting, ActivityDirection.In) => "The lead came to a meeting",
            (ActivityKind.Sms, ActivityDirection.Out) => "Texted the lead",
            (ActivityKind.Sms, ActivityDirection.In) => "The lead texted",
            (ActivityKind.Visit, ActivityDirection.Out) => "Visited the lead",
            (ActivityKind.Visit, ActivityDirection.In) => "The lead visited us",
        };
        var details = Joined(activity.Subject, activity.Outcome);
        return details is null ? $"{what}." : $"{what}: {details}.";
    }

    private static string Converted(LeadConverted converted)
    {
        var opportunity = converted.Opportunity;
        var details = Joined(converted.Customer?.Name, opportunity?.Name, Of(opportunity?.Value));
        return details is null ? "Converted." : $"Converted: {details}.";
    }

    private static string? Of(Money? value) =>
        value is null ? null : $"{value.Amount.ToString(CultureInfo.InvariantCulture)} {value.Currency}";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Known(string? value, bool isErased = false) => value ?? (isErased ? Gone : "unknown");

    private static string Because(string? reason) => reason is null ? "" : $": {reason}";

    private static string? Joined(params string?[] parts) => Present(", ", parts);

    private static string? Spaced(params string?[] parts) => Present(" ", parts);

    private static string? Present(string separator, string?[] parts)
    {
        var present = string.Join(separator, parts.Where(part => !string.IsNullOrWhiteSpace(part)));
        return present.Length == 0 ? null : present;
    }
}
