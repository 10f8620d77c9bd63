using Crm.Domain.Users;

namespace Crm.Web.Security;

/// <summary>The roles' names as clients, tokens and policies write them.</summary>
public static class Roles
{
    /// <summary>Works on leads.</summary>
    public const string Agent = "agent";

    /// <summary>Leads agents.</summary>
    public const string Manager = "manager";

    /// <summary>May do everything.</summary>
    public const string Admin = "admin";

    /// <summary>Reads everything, changes nothing.</summary>
    public const string Auditor = "auditor";

    /// <summary>Operates the system, sees no personal data.</summary>
    public const string Ops = "ops";

    /// <summary>A role's name.</summary>
    public static string NameOf(Role role) => role switch
    {
        Role.Agent => Agent,
        Role.Manager => Manager,
        Role.Admin => Admin,
        Role.Auditor => Auditor,
        Role.Ops => Ops,
    };

    /// <summary>The role of a name, which must be written exactly; false when there is no such role.</summary>
    public static bool TryParse(string? name, out Role role)
    {
        (var known, role) = name switch
        {
            Agent => (true, Role.Agent),
            Manager => (true, Role.Manager),
            Admin => (true, Role.Admin),
            Auditor => (true, Role.Auditor),
            Ops => (true, Role.Ops),
            _ => (false, default),
        };
        return known;
    }
}
