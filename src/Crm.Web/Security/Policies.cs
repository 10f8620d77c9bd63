using Microsoft.AspNetCore.Authorization;

namespace Crm.Web.Security;

/// <summary>Who may do what: each route names one of these. A route that names none asks for a signed-in user, whatever the role.</summary>
public static class Policies
{
    /// <summary>Change leads.</summary>
    public const string LeadsWrite = "leads-write";

    /// <summary>Read leads, their history and score.</summary>
    public const string LeadsRead = "leads-read";

    /// <summary>Read reports.</summary>
    public const string Reports = "reports";

    /// <summary>Read the audit trail and the change feed over all streams.</summary>
    public const string Audit = "audit";

    /// <summary>Operate projections, jobs and parked events.</summary>
    public const string Ops = "ops";

    /// <summary>Register, change and list users.</summary>
    public const string UsersManage = "users-manage";

    /// <summary>Change the keys that sign tokens.</summary>
    public const string KeysManage = "keys-manage";

    /// <summary>Do what every signed-in user may: see who they are, sign out.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>Each policy with the roles that it admits.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Admitted { get; } =
        new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            [LeadsWrite] = [Roles.Admin, Roles.Manager, Roles.Agent],
            [LeadsRead] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [Reports] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor],
            [Audit] = [Roles.Admin, Roles.Auditor],
            [Ops] = [Roles.Admin, Roles.Ops],
            [UsersManage] = [Roles.Admin],
            [KeysManage] = [Roles.Admin],
            [SignedIn] = [Roles.Admin, Roles.Manager, Roles.Agent, Roles.Auditor, Roles.Ops],
        };

    internal static void Register(AuthorizationBuilder authorization)
    {
        foreach (var (name, roles) in Admitted)
        {
            authorization.AddPolicy(name, policy => policy.RequireRole(roles));
        }

        // Default deny: a route that names no policy is still for signed-in users only.
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }
}
