using System.Security.Claims;
using Crm.Application.Permissions;

namespace Crm.Web.Security;

/// <summary>Who makes a request, and within which bounds: remembered with the token, so that no request looks it up.</summary>
public sealed class CallerIdentity(IEnumerable<Claim> claims, Scope scope)
    : ClaimsIdentity(claims, BearerHandler.Scheme, Caller.NameClaim, Caller.RoleClaim)
{
    /// <summary>Whose leads the caller may see and change.</summary>
    public Scope Scope => scope;

    /// <summary>What the API key that signs the request may be used for; null when a person signs it.</summary>
    public IReadOnlySet<string>? KeyScopes { get; init; }

    /// <summary>The session that the request belongs to; null when it belongs to none of ours.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Who does what the request does: the caller, or the user whose API key it brings. The envelope's actor.</summary>
    public string? ActorId { get; init; }

    /// <summary>The user on whose behalf an API key acts; null when it acts for nobody else.</summary>
    public Guid? OnBehalfOf { get; init; }
}
