using System.Security.Claims;
using Crm.Application.Permissions;
using Crm.Domain.Users;

namespace Crm.Web.Security;

/// <summary>Who makes a request: what the bearer token and the log say of the user.</summary>
public static class Caller
{
    /// <summary>The claim that holds the user's id.</summary>
    public const string UserIdClaim = "sub";

    /// <summary>The claim that holds the user's name.</summary>
    public const string NameClaim = "name";

    /// <summary>The claim that holds the user's role, as the log has it now.</summary>
    public const string RoleClaim = "role";

    /// <summary>The claim that holds the session.</summary>
    public const string SessionClaim = "sid";

    /// <summary>The user's id: the actor of whatever the request does.</summary>
    public static Guid UserId(this ClaimsPrincipal caller) => Guid.Parse(Claim(caller, UserIdClaim), provider: null);

    /// <summary>The user's role now.</summary>
    public static Role Role(this ClaimsPrincipal caller) => Roles.TryParse(Claim(caller, RoleClaim), out var role)
        ? role
        : throw new InvalidOperationException("The caller's role is not one of ours.");

    /// <summary>The session that the request belongs to.</summary>
    public static Guid SessionId(this ClaimsPrincipal caller) => Identity(caller).SessionId
        ?? throw new InvalidOperationException("The caller has no session of ours.");

    /// <summary>Whose leads the caller may see and change.</summary>
    public static Scope Scope(this ClaimsPrincipal caller) => Identity(caller).Scope;

    /// <summary>The principal of a signed-in user.</summary>
    internal static ClaimsPrincipal Of(AccessToken token, User user, Scope scope) => new(new CallerIdentity(
        [
            new Claim(UserIdClaim, token.UserId.ToString()),
            new Claim(NameClaim, user.Name),
            new Claim(RoleClaim, Roles.NameOf(user.Role)),
            new Claim(SessionClaim, token.SessionId.ToString()),
        ],
        scope)
    { SessionId = token.SessionId });

    /// <summary>The principal of a user who has no session of ours.</summary>
    internal static ClaimsPrincipal Of(Guid userId, User user, Scope scope) => new(new CallerIdentity(
        [
            new Claim(UserIdClaim, userId.ToString()),
            new Claim(NameClaim, user.Name),
            new Claim(RoleClaim, Roles.NameOf(user.Role)),
        ],
        scope));

    private static CallerIdentity Identity(ClaimsPrincipal caller) => caller.Identity as CallerIdentity
        ?? throw new InvalidOperationException("Nobody is signed in: the route does not require it.");

    private static string Claim(ClaimsPrincipal caller, string type) => caller.FindFirst(type)?.Value
        ?? throw new InvalidOperationException($"The caller has no claim {type}: the route does not require a signed-in user.");
}
