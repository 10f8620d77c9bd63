namespace Crm.Web.Security;

/// <summary>What can be set about login and tokens: section <c>Crm:Security</c> of the configuration.</summary>
public sealed record SecurityOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Crm:Security";

    /// <summary>
    /// The rounds of PBKDF2 with HMAC-SHA-512 by which passwords are hashed: as many as OWASP's advice on storing passwords asks for. A hash
    /// of another number is made anew when its user next signs in.
    /// </summary>
    public int PasswordRounds { get; init; } = 210_000;

    /// <summary>Who issues the tokens (<c>iss</c>).</summary>
    public string Issuer { get; init; } = "crm";

    /// <summary>Whom they are for (<c>aud</c>).</summary>
    public string Audience { get; init; } = "crm-api";

    /// <summary>How long an access token counts.</summary>
    public TimeSpan AccessTokenLifetime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a session can be renewed by refresh tokens before the user must sign in again: a working day.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>
    /// After how long a token that is in use is checked against the log again: a deactivated user, a changed role and a
    /// session that was ended are noticed within this time on every host.
    /// </summary>
    public TimeSpan RecheckAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A PEM file with the P-256 key that signs tokens; null when the key is kept in the database.</summary>
    public string? SigningKeyFile { get; init; }

    /// <summary>PEM files of keys that signed before <see cref="SigningKeyFile"/>: their tokens are taken until they end.</summary>
    public IReadOnlyList<string> PreviousKeyFiles { get; init; } = [];

    /// <summary>After how long each host reads the signing keys anew; a new key signs after twice this time.</summary>
    public TimeSpan SigningKeyReload { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Other issuers whose tokens are taken.</summary>
    public IReadOnlyList<IssuerOptions> Issuers { get; init; } = [];

    /// <summary>Whether the settings make sense.</summary>
    public bool IsValid =>
        Issuer.Length > 0
        && Audience.Length > 0
        && PasswordRounds >= 1_000
        && AccessTokenLifetime >= TimeSpan.FromSeconds(1)
        && SigningKeyReload > TimeSpan.Zero
        && Issuers.All(static one => one.IsValid)
        && Issuers.Select(static one => one.Issuer).Append(Issuer).Distinct(StringComparer.Ordinal).Count() == Issuers.Count + 1
        && SessionLifetime >= AccessTokenLifetime
        && RecheckAfter > TimeSpan.Zero
        && RecheckAfter < TimeSpan.FromSeconds(5);
}
