namespace Crm.Web.Security;

/// <summary>Another issuer whose tokens are taken: an entry of <c>Crm:Security:Issuers</c>.</summary>
public sealed record IssuerOptions
{
    /// <summary>Who issues (<c>iss</c>), exactly as its tokens say it; an https address under which its metadata is published.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>Whom its tokens must be for (<c>aud</c>).</summary>
    public string Audience { get; init; } = "";

    /// <summary>Where its metadata is; null for <c>/.well-known/openid-configuration</c> under the issuer.</summary>
    public string? MetadataAddress { get; init; }

    /// <summary>Hosts beside the metadata's own that may publish its keys.</summary>
    public IReadOnlyList<string> KeyHosts { get; init; } = [];

    /// <summary>The claim that holds the user's roles: one text or several.</summary>
    public string RoleClaim { get; init; } = "roles";

    /// <summary>Which of our roles follows from which value of that claim; a token with none of them is refused.</summary>
    public IReadOnlyDictionary<string, string> Roles { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The claim that holds the user's name.</summary>
    public string NameClaim { get; init; } = "name";

    /// <summary>
    /// Whether the issuer may be reached in this network and without TLS. Otherwise neither its metadata nor its keys are fetched from an
    /// address that is not public.
    /// </summary>
    public bool AllowPrivateNetwork { get; init; }

    /// <summary>The metadata's address.</summary>
    public Uri Metadata => new(MetadataAddress ?? Issuer.TrimEnd('/') + "/.well-known/openid-configuration");

    /// <summary>Whether the settings make sense.</summary>
    public bool IsValid =>
        Issuer.Length > 0
        && Audience.Length > 0
        && Uri.TryCreate(MetadataAddress ?? Issuer, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || (AllowPrivateNetwork && address.Scheme == Uri.UriSchemeHttp))
        && Roles.Count > 0
        && Roles.Values.All(static role => Security.Roles.TryParse(role, out _));
}
