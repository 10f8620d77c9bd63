using Crm.Domain;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;

namespace Crm.Architecture.Tests;

/// <summary>
/// One event for every shape that today's program stores, under the name of its approved file. Files of older shapes stay for good beside
/// these; they are read only.
/// </summary>
internal static class EventSamples
{
    private static readonly Guid Agent = new("01930000-0000-7000-8000-00000000000a");
    private static readonly Guid Id = new("01930000-0000-7000-8000-0000000000a1");

    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly LeadDetails AllKnown = new(
        "Ada",
        "Byron",
        "ada@example.com",
        "+44 20 7946 0000",
        "Analytical Engines",
        "referral",
        new Money(1234.50m, "GBP"),
        ["a", "b"],
        "173688");

    private static readonly LeadDetails LittleKnown = LeadDetails.Unknown with { ExternalId = "173688" };

    /// <summary>The shapes; <c>least</c> marks those with every optional value absent.</summary>
    public static IReadOnlyDictionary<string, object> Today { get; } = new Dictionary<string, object>(StringComparer.Ordinal)
    {
        ["lead-captured"] = new LeadCaptured(AllKnown, 65, 1),
        ["lead-captured.least"] = new LeadCaptured(LittleKnown, 0, 1),
        ["lead-contact-details-changed"] = new LeadContactDetailsChanged("Ada", "Byron", "ada@example.com", "+44 20 7946 0000"),
        ["lead-contact-details-changed.least"] = new LeadContactDetailsChanged(null, null, null, null),
        ["lead-company-changed"] = new LeadCompanyChanged("Bücher & Söhne"),
        ["lead-company-changed.least"] = new LeadCompanyChanged(null),
        ["lead-value-changed"] = new LeadValueChanged(new Money(0.0001m, "EUR")),
        ["lead-value-changed.least"] = new LeadValueChanged(null),
        ["lead-source-changed"] = new LeadSourceChanged("referral"),
        ["lead-source-changed.least"] = new LeadSourceChanged(null),
        ["lead-tags-changed"] = new LeadTagsChanged(["a", "b"]),
        ["lead-tags-changed.least"] = new LeadTagsChanged([]),
        ["lead-external-id-changed"] = new LeadExternalIdChanged("173688"),
        ["lead-external-id-changed.least"] = new LeadExternalIdChanged(null),
        ["lead-assigned"] = new LeadAssigned(Agent),
        ["lead-claimed"] = new LeadClaimed(Agent),
        ["lead-unassigned"] = new LeadUnassigned(),
        ["lead-transferred"] = new LeadTransferred(Agent, "holidays"),
        ["lead-transferred.least"] = new LeadTransferred(Agent, null),
        ["lead-assignment-completed"] = new LeadAssignmentCompleted("sold"),
        ["lead-assignment-completed.least"] = new LeadAssignmentCompleted(null),
        ["lead-activity-logged"] = new LeadActivityLogged(
            Id,
            ActivityKind.Call,
            ActivityDirection.Out,
            new DateTimeOffset(2026, 3, 2, 12, 0, 0, 123, 456, TimeSpan.Zero),
            "Hello",
            "She asked \"why\".\nI said: 'because'.",
            60,
            "call back"),
        ["lead-activity-logged.least"] = new LeadActivityLogged(
            Id, ActivityKind.Sms, ActivityDirection.In, new DateTimeOffset(2026, 3, 2, 12, 0, 0, TimeSpan.Zero), null, null, null, null),
        ["lead-note-added"] = new LeadNoteAdded(Id, "Likes tea 🍵 and <b>numbers</b>."),
        ["lead-contacted"] = new LeadContacted(),
        ["lead-qualified"] = new LeadQualified(80),
        ["lead-qualified.least"] = new LeadQualified(null),
        ["lead-disqualified"] = new LeadDisqualified("no budget"),
        ["lead-disqualified.least"] = new LeadDisqualified(null),
        ["lead-reopened"] = new LeadReopened("called back"),
        ["lead-reopened.least"] = new LeadReopened(null),
        ["lead-converted"] = new LeadConverted(
            new ConvertedOpportunity("Engine", new Money(1_000_000_000_000m, "GBP"), new DateOnly(2026, 6, 1)),
            new ConvertedCustomer("Byron")),
        ["lead-converted.least"] = new LeadConverted(null, null),
        ["lead-converted.nameless"] = new LeadConverted(new ConvertedOpportunity(null, null, null), new ConvertedCustomer(null)),
        ["lead-unconverted"] = new LeadUnconverted("wrong lead"),
        ["lead-unconverted.least"] = new LeadUnconverted(null),
        ["lead-archived"] = new LeadArchived("old"),
        ["lead-archived.least"] = new LeadArchived(null),
        ["lead-unarchived"] = new LeadUnarchived("back"),
        ["lead-unarchived.least"] = new LeadUnarchived(null),
        ["lead-restored"] = new LeadRestored(
            3, AllKnown, LeadStatus.Contacted, Agent, AssignmentOpen: true, IsArchived: false, 65, 1, ScoreSetByHand: false, "wrong lead"),
        ["lead-restored.least"] = new LeadRestored(
            1, LittleKnown, LeadStatus.New, null, AssignmentOpen: false, IsArchived: true, 0, 0, ScoreSetByHand: true, null),
        ["lead-score-changed"] = new LeadScoreChanged(45, 1),
        ["lead-erased"] = new LeadErased("Article 17", "the person, by letter"),
        ["lead-erased.keyless"] = new LeadErased("Article 17", "the person, by letter", KeyWasLost: true),
        ["lead-changes-reversed"] = new LeadChangesReversed(
            [3, 5], AllKnown, LeadStatus.Contacted, Agent, AssignmentOpen: true, IsArchived: false, 65, 1, ScoreSetByHand: false, "wrong hands"),
        ["lead-changes-reversed.least"] = new LeadChangesReversed(
            [1], LittleKnown, LeadStatus.New, null, AssignmentOpen: false, IsArchived: true, 0, 0, ScoreSetByHand: true, null),
        ["lead-capture-time-corrected"] = new LeadCaptureTimeCorrected(Noon),
        ["user-registered"] = new UserRegistered("Anna", "anna@example.com", Role.Manager, IsActive: true),
        ["user-registered.least"] = new UserRegistered("10862", null, Role.Agent, IsActive: false),
        ["user-renamed"] = new UserRenamed("Anne"),
        ["user-role-changed"] = new UserRoleChanged(Role.Auditor),
        ["user-deactivated"] = new UserDeactivated("left"),
        ["user-deactivated.least"] = new UserDeactivated(null),
        ["user-activated"] = new UserActivated("back"),
        ["user-activated.least"] = new UserActivated(null),
        ["user-oversight-changed"] = new UserOversightChanged(Oversight.Teams),
        ["user-identity-linked"] = new UserIdentityLinked("https://sso.example.com", "anna|1"),
        ["team-formed"] = new TeamFormed("North"),
        ["team-renamed"] = new TeamRenamed("North-West"),
        ["team-member-added"] = new TeamMemberAdded(Agent),
        ["team-member-removed"] = new TeamMemberRemoved(Agent),
        ["team-disbanded"] = new TeamDisbanded(),
        ["signed-in"] = new SignedIn(Agent, Id, "192.0.2.7", SignInMethod.RecoveryCode),
        ["signed-in.least"] = new SignedIn(Agent, Id, null, SignInMethod.Password),
        ["session-ended"] = new SessionEnded(Agent, Id, SessionEnding.RefreshTokenReused),
        ["sign-in-failed"] = new SignInFailed(Agent, "192.0.2.7", SignInFailure.WrongCode, 1),
        ["sign-in-failed.least"] = new SignInFailed(null, null, SignInFailure.UnknownAccount, 120),
        ["sign-in-delayed"] = new SignInDelayed(Agent, "192.0.2.7", Noon, 5),
        ["sign-in-delayed.least"] = new SignInDelayed(null, null, Noon, 20),
        ["sign-in-unlocked"] = new SignInUnlocked(Agent),
        ["password-changed"] = new PasswordChanged(Agent),
        ["password-reset-issued"] = new PasswordResetIssued(Agent, Noon),
        ["password-reset"] = new PasswordReset(Agent),
        ["second-factor-enabled"] = new SecondFactorEnabled(Agent),
        ["second-factor-removed"] = new SecondFactorRemoved(Agent),
        ["recovery-code-used"] = new RecoveryCodeUsed(Agent, 9),
        ["signing-key-rotated"] = new SigningKeyRotated("kUGxwUXEJTr0sxeRgC6YBTQg7V9oz4Qf3yPQ6UcvBYA", Noon),
        ["signing-key-withdrawn"] = new SigningKeyWithdrawn(
            "kUGxwUXEJTr0sxeRgC6YBTQg7V9oz4Qf3yPQ6UcvBYA", "bWf0Vd3nQFvwVbIoA7cA1xZ3y0mCq9k2Tj8sLrN5eHg"),
        ["master-key-rotated"] = new MasterKeyRotated("2b5f0c1d9a7e4836", "9d81e6a05c3f7b24", 1_300),
        ["sensitive-read"] = new SensitiveRead(SensitiveSubject.ArchivedLead, Id, "limit=25&from"),
        ["sensitive-read.least"] = new SensitiveRead(SensitiveSubject.Export, null, null),
        ["api-key-issued"] = new ApiKeyIssued("Telephony", Agent, ["leads:read", "leads:write"], Noon, ActsForOthers: true),
        ["api-key-issued.least"] = new ApiKeyIssued("Reports", Agent, [], null, ActsForOthers: false),
        ["api-key-revoked"] = new ApiKeyRevoked(),
    };

    /// <summary>Every shape that was once stored and no longer is, with what it reads as today.</summary>
    public static IReadOnlyDictionary<string, object> Older { get; } = new Dictionary<string, object>(StringComparer.Ordinal)
    {
        ["lead-captured.draft"] = new LeadCaptured(AllKnown, 65, 1),
        ["lead-captured.draft-least"] = new LeadCaptured(LittleKnown, 0, 1),
        ["lead-captured.without-tags"] = new LeadCaptured(LittleKnown, 0, 1),
        ["lead-tags-changed.without-tags"] = new LeadTagsChanged([]),
    };

    /// <summary>The stored name that an approved file's name begins with.</summary>
    public static string StoredNameOf(string sample) => sample.Split('.')[0];
}
