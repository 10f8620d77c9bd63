using System.Text.Json;
using Crm.Domain.Users;

namespace Crm.Web.Security;

/// <summary>What an access token says (RFC 7519): who signed in, in which session, and from when to when it counts.</summary>
/// <param name="Id">The token's own id (<c>jti</c>).</param>
/// <param name="UserId">The user (<c>sub</c>).</param>
/// <param name="Name">The user's name when the token was issued (<c>name</c>).</param>
/// <param name="Role">The user's role when the token was issued (<c>role</c>); for the client to know, the server asks the log.</param>
/// <param name="SessionId">The session: the family of refresh tokens that began with the login (<c>sid</c>).</param>
/// <param name="SecurityStamp">The stamp of the user's credentials (<c>sst</c>); a changed stamp ends the token.</param>
/// <param name="IssuedAt">When it was issued (<c>iat</c>), in whole seconds.</param>
/// <param name="NotBefore">From when it counts (<c>nbf</c>), in whole seconds.</param>
/// <param name="ExpiresAt">Until when it counts (<c>exp</c>), in whole seconds; at this moment it no longer does.</param>
public sealed record AccessToken(
    Guid Id,
    Guid UserId,
    string Name,
    Role Role,
    Guid SessionId,
    Guid SecurityStamp,
    DateTimeOffset IssuedAt,
    DateTimeOffset NotBefore,
    DateTimeOffset ExpiresAt)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>The token's claims as UTF-8 JSON.</summary>
    public byte[] ToJson(string issuer, string audience)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("iss", issuer);
            json.WriteString("aud", audience);
            json.WriteString("sub", UserId);
            json.WriteString("role", Roles.NameOf(Role));
            json.WriteString("name", Name);
            json.WriteString("sid", SessionId);
            json.WriteString("sst", SecurityStamp);
            json.WriteNumber("iat", IssuedAt.ToUnixTimeSeconds());
            json.WriteNumber("nbf", NotBefore.ToUnixTimeSeconds());
            json.WriteNumber("exp", ExpiresAt.ToUnixTimeSeconds());
            json.WriteString("jti", Id);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>Reads claims that <see cref="ToJson"/> wrote for this issuer and audience; null for anything else.</summary>
    public static AccessToken? FromJson(ReadOnlyMemory<byte> claims, string issuer, string audience)
    {
        try
        {
            using var json = JsonDocument.Parse(claims, Strict);
            var all = json.RootElement;
            return all.GetProperty("iss").ValueEquals(issuer)
                && all.GetProperty("aud").ValueEquals(audience)
                && Roles.TryParse(all.GetProperty("role").GetString(), out var role)
                && all.GetProperty("name").GetString() is { } name
                ? new AccessToken(
                    all.GetProperty("jti").GetGuid(),
                    all.GetProperty("sub").GetGuid(),
                    name,
                    role,
                    all.GetProperty("sid").GetGuid(),
                    all.GetProperty("sst").GetGuid(),
                    Seconds(all.GetProperty("iat")),
                    Seconds(all.GetProperty("nbf")),
                    Seconds(all.GetProperty("exp")))
                : null;
        }
        catch (Exception foreign) when (foreign is JsonException or InvalidOperationException or KeyNotFoundException
            or FormatException or ArgumentOutOfRangeException)
        {
            // A claim is missing, has another type or is out of range: not one of ours.
            return null;
        }
    }

    private static DateTimeOffset Seconds(JsonElement number) => DateTimeOffset.FromUnixTimeSeconds(number.GetInt64());
}
