using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Teams;

namespace Crm.Projections;

/// <summary>
/// What the audit trail tells of facts that change no lead and no user: the fact's own fields, each as a value that came from nothing,
/// so that telling them takes no memory of the stream.
/// </summary>
internal static class AuditFacts
{
    /// <summary>What happened to a team.</summary>
    public static IReadOnlyList<FieldChange> Of(TeamEvent happened) => happened switch
    {
        TeamFormed formed => Told(("name", formed.Name)),
        TeamRenamed renamed => Told(("name", renamed.Name)),
        TeamMemberAdded added => Told(("userId", added.UserId)),
        TeamMemberRemoved removed => Told(("userId", removed.UserId)),
        TeamDisbanded => [],
        _ => throw new UnreachableException($"The audit trail does not know how to tell {happened.GetType().Name}."),
    };

    /// <summary>What happened to an API key.</summary>
    public static IReadOnlyList<FieldChange> Of(ApiKeyEvent happened) => happened switch
    {
        ApiKeyIssued issued => Told(
            ("name", issued.Name), ("userId", issued.UserId), ("scopes", string.Join(' ', issued.Scopes)), ("expiresAt", issued.ExpiresAt),
            ("actsForOthers", issued.ActsForOthers)),
        ApiKeyRevoked => [],
        _ => throw new UnreachableException($"The audit trail does not know how to tell {happened.GetType().Name}."),
    };

    /// <summary>Who came in, who was kept out, what was looked at.</summary>
    public static IReadOnlyList<FieldChange> Of(AccessEvent happened) => happened switch
    {
        SignedIn fact => Told(
            ("userId", fact.UserId), ("sessionId", fact.SessionId), ("from", fact.From), ("method", WordOf(fact.Method))),
        SessionEnded fact => Told(("userId", fact.UserId), ("sessionId", fact.SessionId), ("why", WordOf(fact.Why))),
        SignInFailed fact => Told(("userId", fact.UserId), ("from", fact.From), ("why", WordOf(fact.Why)), ("count", fact.Count)),
        SignInDelayed fact => Told(("userId", fact.UserId), ("from", fact.From), ("until", fact.Until), ("failures", fact.Failures)),
        SignInUnlocked fact => Told(("userId", fact.UserId)),
        PasswordChanged fact => Told(("userId", fact.UserId)),
        PasswordResetIssued fact => Told(("userId", fact.UserId), ("expiresAt", fact.ExpiresAt)),
        PasswordReset fact => Told(("userId", fact.UserId)),
        SecondFactorEnabled fact => Told(("userId", fact.UserId)),
        SecondFactorRemoved fact => Told(("userId", fact.UserId)),
        RecoveryCodeUsed fact => Told(("userId", fact.UserId), ("left", fact.Left)),
        SigningKeyRotated fact => Told(("kid", fact.Kid), ("activeFrom", fact.ActiveFrom)),
        SigningKeyWithdrawn fact => Told(("kid", fact.Kid), ("followedBy", fact.FollowedBy)),
        MasterKeyRotated fact => Told(("from", fact.From), ("to", fact.To), ("streams", fact.Streams)),
        SensitiveRead fact => Told(("what", WordOf(fact.What)), ("subjectId", fact.SubjectId), ("query", fact.Query)),
        _ => throw new UnreachableException($"The audit trail does not know how to tell {happened.GetType().Name}."),
    };

    private static List<FieldChange> Told(params ReadOnlySpan<(string Field, object? Value)> fields)
    {
        var told = new List<FieldChange>(fields.Length);
        foreach (var (field, value) in fields)
        {
            if (value is not null)
            {
                told.Add(new FieldChange(field, From: null, JsonOf(value)));
            }
        }

        return told;
    }

    private static string JsonOf(object value) => value switch
    {
        string text => Changes.Json(text),
        Guid id => Changes.Json(id.ToString("D")),
        int number => number.ToString(CultureInfo.InvariantCulture),
        bool answer => answer ? "true" : "false",
        DateTimeOffset moment => Changes.Json(moment.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)),
        _ => throw new UnreachableException($"The audit trail does not write a {value.GetType().Name}."),
    };

    private static string WordOf(Enum value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}
