namespace Crm.Domain.Access;

/// <summary>
/// A fact of access: who came in, who was kept out, what was looked at. Each stands in a stream of its own (a session's beginning and
/// end share one), so that such facts neither lengthen a user's stream nor conflict. Never a password, code or token.
/// </summary>
public abstract record AccessEvent
{
    /// <summary>The type of the streams that hold these facts.</summary>
    public const string StreamType = "access";

    private protected AccessEvent()
    {
    }

    /// <summary>The name under which each event is stored, for good: a literal, never changed, never reused.</summary>
    public static IReadOnlyDictionary<string, Type> StoredNames { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["signed-in"] = typeof(SignedIn),
        ["session-ended"] = typeof(SessionEnded),
        ["sign-in-failed"] = typeof(SignInFailed),
        ["sign-in-delayed"] = typeof(SignInDelayed),
        ["sign-in-unlocked"] = typeof(SignInUnlocked),
        ["password-changed"] = typeof(PasswordChanged),
        ["password-reset-issued"] = typeof(PasswordResetIssued),
        ["password-reset"] = typeof(PasswordReset),
        ["second-factor-enabled"] = typeof(SecondFactorEnabled),
        ["second-factor-removed"] = typeof(SecondFactorRemoved),
        ["recovery-code-used"] = typeof(RecoveryCodeUsed),
        ["signing-key-rotated"] = typeof(SigningKeyRotated),
        ["signing-key-withdrawn"] = typeof(SigningKeyWithdrawn),
        ["master-key-rotated"] = typeof(MasterKeyRotated),
        ["sensitive-read"] = typeof(SensitiveRead),
    };
}

/// <summary>A user signed in.</summary>
/// <param name="UserId">The user.</param>
/// <param name="SessionId">The session that began; the stream's id too.</param>
/// <param name="From">The network address that it came from: personal data.</param>
/// <param name="Method">With what, beside the password, the user proved who they are.</param>
public sealed record SignedIn(Guid UserId, Guid SessionId, string? From, SignInMethod Method) : AccessEvent;

/// <summary>A session ended before its time.</summary>
/// <param name="UserId">The user.</param>
/// <param name="SessionId">The session; the stream's id too.</param>
/// <param name="Why">What ended it.</param>
public sealed record SessionEnded(Guid UserId, Guid SessionId, SessionEnding Why) : AccessEvent;

/// <summary>Somebody tried to sign in, and may not.</summary>
/// <param name="UserId">The user whose account was tried; null when there is none, whose name is then not kept.</param>
/// <param name="From">The network address or, for unknown accounts, the network that it came from: personal data.</param>
/// <param name="Why">What was wrong.</param>
/// <param name="Count">How many tries this fact tells of.</param>
public sealed record SignInFailed(Guid? UserId, string? From, SignInFailure Why, int Count) : AccessEvent;

/// <summary>After too many failures the next try has to wait.</summary>
/// <param name="UserId">The user whose account waits; null when the address does, or when there is no such account.</param>
/// <param name="From">The network address that waits: personal data; null when the account does.</param>
/// <param name="Until">Until when.</param>
/// <param name="Failures">After how many failures.</param>
public sealed record SignInDelayed(Guid? UserId, string? From, DateTimeOffset Until, int Failures) : AccessEvent;

/// <summary>An admin ended a user's waiting.</summary>
public sealed record SignInUnlocked(Guid UserId) : AccessEvent;

/// <summary>A user chose another password.</summary>
public sealed record PasswordChanged(Guid UserId) : AccessEvent;

/// <summary>An admin handed out a token with which a user may choose a password, once.</summary>
/// <param name="UserId">The user.</param>
/// <param name="ExpiresAt">Until when it counts.</param>
public sealed record PasswordResetIssued(Guid UserId, DateTimeOffset ExpiresAt) : AccessEvent;

/// <summary>A user chose a password with a reset token.</summary>
public sealed record PasswordReset(Guid UserId) : AccessEvent;

/// <summary>A user signs in with a second factor from now on.</summary>
public sealed record SecondFactorEnabled(Guid UserId) : AccessEvent;

/// <summary>A user signs in without a second factor again.</summary>
public sealed record SecondFactorRemoved(Guid UserId) : AccessEvent;

/// <summary>A recovery code stood in for the second factor.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Left">How many codes are left.</param>
public sealed record RecoveryCodeUsed(Guid UserId, int Left) : AccessEvent;

/// <summary>Tokens are signed with another key from now on.</summary>
/// <param name="Kid">The new key's name, as tokens carry it.</param>
/// <param name="ActiveFrom">From when it signs.</param>
public sealed record SigningKeyRotated(string Kid, DateTimeOffset ActiveFrom) : AccessEvent;

/// <summary>A key that signed tokens was ended at once, and with it every token that it signed.</summary>
/// <param name="Kid">The key's name, as tokens carried it.</param>
/// <param name="FollowedBy">The name of the key that signs instead.</param>
public sealed record SigningKeyWithdrawn(string Kid, string FollowedBy) : AccessEvent;

/// <summary>Everything that a master key had sealed is sealed with another one, and the old one seals nothing any more.</summary>
/// <param name="From">The id of the old key; never the key.</param>
/// <param name="To">The id of the key that seals now.</param>
/// <param name="Streams">How many streams' keys were wrapped anew that the old one had wrapped.</param>
public sealed record MasterKeyRotated(string From, string To, int Streams) : AccessEvent;

/// <summary>Somebody looked at what is not for everyday looking.</summary>
/// <param name="What">What was looked at.</param>
/// <param name="SubjectId">The lead that was looked at; null when it was many.</param>
/// <param name="Query">What was asked for: names and coded values, never free text; null when nothing was.</param>
public sealed record SensitiveRead(SensitiveSubject What, Guid? SubjectId, string? Query) : AccessEvent;

/// <summary>With what a user proved who they are.</summary>
public enum SignInMethod
{
    /// <summary>The password alone.</summary>
    Password,

    /// <summary>The password and a code of the second factor.</summary>
    Totp,

    /// <summary>The password and a recovery code.</summary>
    RecoveryCode,
}

/// <summary>What ended a session.</summary>
public enum SessionEnding
{
    /// <summary>The user.</summary>
    SignedOut,

    /// <summary>A refresh token that came a second time.</summary>
    RefreshTokenReused,

    /// <summary>Another password.</summary>
    PasswordChanged,

    /// <summary>An admin.</summary>
    EndedByAdmin,
}

/// <summary>Why a sign-in failed.</summary>
public enum SignInFailure
{
    /// <summary>The password was wrong.</summary>
    WrongPassword,

    /// <summary>The password was right, the second factor's code was not.</summary>
    WrongCode,

    /// <summary>The user is deactivated.</summary>
    Inactive,

    /// <summary>There is no such account.</summary>
    UnknownAccount,
}

/// <summary>What is not for everyday looking.</summary>
public enum SensitiveSubject
{
    /// <summary>Leads in bulk, to take away.</summary>
    Export,

    /// <summary>The audit trail, or the whole change feed.</summary>
    Audit,

    /// <summary>A lead that was put away.</summary>
    ArchivedLead,

    /// <summary>What is left of a lead whose person was erased.</summary>
    ErasedLead,

    /// <summary>Everything that is held on one person.</summary>
    PersonalData,
}
