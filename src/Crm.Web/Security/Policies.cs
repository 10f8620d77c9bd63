using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace Crm.Web.Security;

/// <summary>Who may do what: each route names one of these. A route that names none asks for a signed-in user, whatever the role.</summary>
public static class Policies
{
    /// <summary>Change leads.</summary>
    public const string LeadsWrite = "leads-write";

    /// <summary>Give leads to agents, whoever had them before.</summary>
    public const string LeadsAssign = "leads-assign";

    /// <summary>Take leads away in bulk.</summary>
    public const string LeadsExport = "leads-export";

    /// <summary>Erase a person, and answer a person who asks what is held on them.</summary>
    public const string LeadsErase = "leads-erase";

    /// <summary>Read leads, their history and score.</summary>
    public const string LeadsRead = "leads-read";

    /// <summary>Read reports.</summary>
    public const string Reports = "reports";

    /// <summary>Read the change feed: of all streams, or of the leads that the caller may see.</summary>
    public const string Feed = "feed";

    /// <summary>See teams, and to whom leads can be given.</summary>
    public const string TeamsRead = "teams-read";

    /// <summary>Read the audit trail over all streams.</summary>
    public const string Audit = "audit";

    /// <summary>Operate projections, jobs and parked events.</summary>
    public const string Ops = "ops";

    /// <summary>Undo what somebody did to leads.</summary>
    public const string Undo = "undo";

    /// <summary>Register, change and list users.</summary>
    public const string UsersManage = "users-manage";

    /// <summary>Change the keys that sign tokens.</summary>
    public const string KeysManage = "keys-manage";

    /// <summary>See the routes and the database of this host, without what opens it.</summary>
    public const string Debug = "debug";

    /// <summary>Do what every signed-in user may: see who they are, sign out.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>Do it oneself: no API key may, whatever its scopes. Stands beside the policy that says which roles may.</summary>
    public const string Person = "person";

    /// <summary>Each policy with the roles that it admits.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Admitted { get; } =
        new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            [LeadsWrite] = [Roles.Admin, Roles.Manager, Roles.Agent],
            [LeadsAssign] = [Roles.Admin, Roles.Manager],
            [LeadsErase] = [Roles.Admin],
            [LeadsExport] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [Feed] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [TeamsRead] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [LeadsRead] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [Reports] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [Audit] = [Roles.Admin, Roles.Auditor],
            [Ops] = [Roles.Admin, Roles.Ops],
            [Undo] = [Roles.Admin],
            [UsersManage] = [Roles.Admin],
            [KeysManage] = [Roles.Admin],
            [Debug] = [Roles.Admin],
            [SignedIn] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor, Roles.Ops],
            [Person] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor, Roles.Ops],
        };

    /// <summary>
    /// The scope that an API key needs for each policy, beside its user's role; empty where any key may. A policy that is not listed is
    /// for persons only.
    /// </summary>
    public static IReadOnlyDictionary<string, string> KeyScopes { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [LeadsWrite] = "leads:write",
        [LeadsAssign] = "leads:write",
        [LeadsRead] = "leads:read",
        [LeadsExport] = "leads:export",
        [TeamsRead] = "leads:read",
        [Reports] = "reports:read",
        [Audit] = "audit:read",
        [Feed] = "events:read",
        [Ops] = "ops",
        [UsersManage] = "users:manage",
        [SignedIn] = "",
    };

    internal static void Register(AuthorizationBuilder authorization)
    {
        foreach (var name in Admitted.Keys)
        {
            authorization.AddPolicy(name, policy => policy.RequireAssertion(context => Admits(name, context.User)));
        }

        // Default deny: a route that names no policy is still for signed-in users only.
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>A person may whatever the role may; an API key also needs the one scope that its issuer gave it for this.</summary>
    internal static bool Admits(string policy, ClaimsPrincipal caller) =>
        caller.Identity is CallerIdentity { KeyScopes: var scopes } && Admitted[policy].Any(caller.IsInRole)
        && (scopes is null || (KeyScopes.TryGetValue(policy, out var scope) && (scope.Length == 0 || scopes.Contains(scope))));
}
