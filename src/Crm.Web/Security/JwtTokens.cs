namespace Crm.Web.Security;

/// <summary>Issues access tokens and reads them back: a signature of ours, our issuer and audience, and within its time.</summary>
public sealed class JwtTokens(SecurityOptions options, TimeProvider clock)
{
    /// <summary>How far the clocks of two hosts may lie apart: a token from a host that is ahead is taken.</summary>
    public static TimeSpan ClockSkew { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Writes a token.</summary>
    public string Write(AccessToken token, SigningKey key) => CompactJws.Write(token.ToJson(options.Issuer, options.Audience), key);

    /// <summary>Reads a token; null when it is not ours, not yet valid or expired.</summary>
    /// <param name="token">The token as the client sent it.</param>
    /// <param name="keyNamed">Our key of a <c>kid</c>; null when it is not ours.</param>
    public AccessToken? Read(string token, Func<string, SigningKey?> keyNamed) =>
        CompactJws.Parse(token) is { } jws && keyNamed(jws.Kid) is { } key ? Read(jws, key) : null;

    /// <summary>Reads a token that was taken apart; null when this key has not signed it, or it is not ours, not yet valid or expired.</summary>
    public AccessToken? Read(CompactJws jws, SigningKey key)
    {
        if (!jws.HasOurForm || !jws.IsSignedBy(key) || AccessToken.FromJson(jws.Payload, options.Issuer, options.Audience) is not { } read)
        {
            return null;
        }

        var now = clock.GetUtcNow();
        return now < read.ExpiresAt && now + ClockSkew >= read.NotBefore && now + ClockSkew >= read.IssuedAt ? read : null;
    }
}
