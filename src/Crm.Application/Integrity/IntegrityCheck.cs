namespace Crm.Application.Integrity;

/// <summary>What a check is about.</summary>
public enum CheckKind
{
    /// <summary>A value is one of a closed set.</summary>
    Enum,

    /// <summary>A value is there.</summary>
    Required,

    /// <summary>A value lies within bounds.</summary>
    Range,

    /// <summary>A value has a form.</summary>
    Format,

    /// <summary>The log agrees with itself.</summary>
    Log,

    /// <summary>The read models agree with the log.</summary>
    Model,
}

/// <summary>How bad an offender is.</summary>
public enum Severity
{
    /// <summary>Somebody should look at it; nothing works wrongly because of it.</summary>
    Warning,

    /// <summary>Something is shown or counted wrongly.</summary>
    Error,

    /// <summary>The log itself is damaged: stop, and go by the runbook of level 4.</summary>
    Critical,
}

/// <summary>One thing that should hold.</summary>
/// <param name="Id">Its id, for <c>crm integrity repair</c>.</param>
/// <param name="Name">What should hold, for people.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Requirement">The requirement that it settles.</param>
/// <param name="Severity">How bad an offender is.</param>
/// <param name="Repair">How an offender is repaired.</param>
public sealed record IntegrityCheck(string Id, string Name, CheckKind Kind, string Requirement, Severity Severity, string Repair)
{
    private const string ByHand = "Change the lead: the change is an event, and the history keeps what was wrong.";
    private const string ByRebuild = "crm projections rebuild lead_board; where the log itself holds the value, change the lead.";
    private const string ByRecovery = "Cannot be repaired from within: recover or restore (runbook level 4), and find out who could write.";
    private const string Relogged = "Cannot be repaired: what was logged stays. Log it again as it was, and reverse nothing.";

    /// <summary>A lead's status is one of the five.</summary>
    public static IntegrityCheck LeadStatus { get; } = new(
        "lead-status", "A lead's status is one that there is.", CheckKind.Enum, "S1-067", Severity.Error, ByRebuild);

    /// <summary>An activity's kind is one of the five.</summary>
    public static IntegrityCheck ActivityKind { get; } = new(
        "activity-kind", "An activity's kind is one that there is.", CheckKind.Enum, "S1-067", Severity.Error, Relogged);

    /// <summary>An activity went out or came in.</summary>
    public static IntegrityCheck ActivityDirection { get; } = new(
        "activity-direction", "An activity's direction is in or out.", CheckKind.Enum, "S1-067", Severity.Error, Relogged);

    /// <summary>Something tells a lead from any other.</summary>
    public static IntegrityCheck LeadIdentity { get; } = new(
        "lead-identity", "A lead has a family name, company, e-mail address, telephone number or external id.", CheckKind.Required,
        "S1-068", Severity.Error, ByHand);

    /// <summary>A lead has a temperature: a score that rules or a hand gave.</summary>
    public static IntegrityCheck LeadTemperature { get; } = new(
        "lead-temperature", "A lead has a temperature: its score was given by the rules or by hand.", CheckKind.Required, "S1-071",
        Severity.Error, "crm integrity repair lead-temperature: scores the lead by the rules in force.");

    /// <summary>A lead says when it was captured.</summary>
    public static IntegrityCheck LeadCreated { get; } = new(
        "lead-created", "A lead says when it was captured.", CheckKind.Required, "S1-068", Severity.Error, ByRebuild);

    /// <summary>A lead says when it last changed.</summary>
    public static IntegrityCheck LeadUpdated { get; } = new(
        "lead-updated", "A lead says when it last changed, and not before it was captured.", CheckKind.Required, "S1-068",
        Severity.Error, ByRebuild);

    /// <summary>A lead's row says which event it shows.</summary>
    public static IntegrityCheck LeadVersion { get; } = new(
        "lead-version", "A lead's row says by version and position which event it shows last.", CheckKind.Required, "S1-068",
        Severity.Error, ByRebuild);

    /// <summary>A lead's status has its date.</summary>
    public static IntegrityCheck LeadMilestone { get; } = new(
        "lead-milestone", "A lead that is contacted, qualified, converted or disqualified says since when.", CheckKind.Required, "S1-068",
        Severity.Error, ByRebuild);

    /// <summary>An amount has a currency.</summary>
    public static IntegrityCheck LeadCurrency { get; } = new(
        "lead-currency", "An expected value has an amount and a currency.", CheckKind.Required, "S1-068", Severity.Error, ByHand);

    /// <summary>An activity has an id and a time.</summary>
    public static IntegrityCheck ActivityTime { get; } = new(
        "activity-time", "An activity has an id and says when it took place.", CheckKind.Required, "S1-068", Severity.Error, Relogged);

    /// <summary>A score is within 0–100.</summary>
    public static IntegrityCheck LeadScore { get; } = new(
        "lead-score", "A lead's score lies within 0–100.", CheckKind.Range, "S1-069", Severity.Error, ByRebuild);

    /// <summary>An amount is within its bounds.</summary>
    public static IntegrityCheck LeadValue { get; } = new(
        "lead-value", "An expected value is not negative, not absurd, and has at most four decimals.", CheckKind.Range, "S1-069",
        Severity.Error, ByHand);

    /// <summary>A lead was not captured in the future.</summary>
    public static IntegrityCheck LeadFuture { get; } = new(
        "lead-future", "A lead was not captured in the future.", CheckKind.Range, "S1-072", Severity.Error,
        "crm integrity repair lead-future: corrects the time of capture to when the log took it. What history and reports date by the "
        + "event's own time stays dated there.");

    /// <summary>An e-mail address has the form of one.</summary>
    public static IntegrityCheck LeadEmail { get; } = new(
        "lead-email", "An e-mail address has the form of one.", CheckKind.Format, "S1-070", Severity.Warning, ByHand);

    /// <summary>A telephone number has the form of one.</summary>
    public static IntegrityCheck LeadPhone { get; } = new(
        "lead-phone", "A telephone number is made of digits and the marks between them.", CheckKind.Format, "S1-070",
        Severity.Warning, ByHand);

    /// <summary>Positions have no hole.</summary>
    public static IntegrityCheck LogPositions { get; } = new(
        "log-positions", "Positions run from 1 to the counter without a hole.", CheckKind.Log, "S1-065", Severity.Critical, ByRecovery);

    /// <summary>Recorded times run forwards.</summary>
    public static IntegrityCheck LogTimes { get; } = new(
        "log-times", "Every event says when it was recorded, and that never runs backwards.", CheckKind.Log, "S1-065",
        Severity.Critical, ByRecovery);

    /// <summary>Every event belongs to a stream.</summary>
    public static IntegrityCheck LogStreams { get; } = new(
        "log-streams", "Every event has its stream.", CheckKind.Log, "S1-065", Severity.Critical, ByRecovery);

    /// <summary>Versions have no hole.</summary>
    public static IntegrityCheck LogVersions { get; } = new(
        "log-versions", "A stream's versions run from 1 to its own without a hole.", CheckKind.Log, "S1-065",
        Severity.Critical, ByRecovery);

    /// <summary>Every event can be read.</summary>
    public static IntegrityCheck LogReadable { get; } = new(
        "log-readable", "Every event can be read.", CheckKind.Log, "S1-065", Severity.Critical, ByRecovery);

    /// <summary>Sealed data have their key.</summary>
    public static IntegrityCheck SubjectKeys { get; } = new(
        "subject-keys", "Every stream that holds sealed data has its key, or the note that it was destroyed.", CheckKind.Log, "S3-052",
        Severity.Critical, "Bring the key back from an archive or a backup (runbook secrets-lost): without it the data are lost.");

    /// <summary>The audit tree fits the log.</summary>
    public static IntegrityCheck AuditTree { get; } = new(
        "audit-tree", "The audit tree fits its last head, and a sample of events fits the tree.", CheckKind.Log, "S3-054",
        Severity.Critical, "crm verify names everything that was changed; then recover or restore (runbook level 4).");

    /// <summary>Unique keys are those of the streams that hold them.</summary>
    public static IntegrityCheck UniqueKeys { get; } = new(
        "unique-keys", "A unique key stands for exactly the stream that has it.", CheckKind.Log, "S1-065", Severity.Error,
        "crm integrity repair unique-keys: claims what is missing and gives up what nobody has.");

    /// <summary>Receipts name what there is.</summary>
    public static IntegrityCheck Receipts { get; } = new(
        "receipts", "A receipt names a position, a stream and a version that there are.", CheckKind.Log, "S1-065", Severity.Warning,
        "Receipts are forgotten by themselves after two days.");

    /// <summary>Read models show what the log makes of a sample.</summary>
    public static IntegrityCheck ReadModels { get; } = new(
        "read-models", "Every read model equals its rebuild on a sample of streams, its totals on a sample of days.", CheckKind.Model,
        "S1-065", Severity.Error,
        "crm integrity repair read-models: rebuilds those that differ, beside the live ones.");

    /// <summary>Nothing is parked.</summary>
    public static IntegrityCheck Parked { get; } = new(
        "parked", "No stream is parked.", CheckKind.Model, "S1-065", Severity.Error,
        "Remove the cause that crm projections list and GET /ops/parked name, then POST /ops/parked/{id}/retry.");

    /// <summary>Projections keep up.</summary>
    public static IntegrityCheck Projections { get; } = new(
        "projections", "Every read model is of its revision, without an error, and not far behind the log.", CheckKind.Model, "S1-065",
        Severity.Warning, "Start a host: it catches up, and rebuilds what is of an older revision.");

    /// <summary>Every check, the sixteen of S1-066 first.</summary>
    public static IReadOnlyList<IntegrityCheck> All { get; } =
    [
        LeadStatus, ActivityKind, ActivityDirection,
        LeadIdentity, LeadTemperature, LeadCreated, LeadUpdated, LeadVersion, LeadMilestone, LeadCurrency, ActivityTime,
        LeadScore, LeadValue, LeadFuture,
        LeadEmail, LeadPhone,
        LogPositions, LogTimes, LogStreams, LogVersions, LogReadable, SubjectKeys, AuditTree, UniqueKeys, Receipts,
        ReadModels, Parked, Projections,
    ];
}
