using Crm.Application.Permissions;
using Crm.Web.Teams;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>Who may do what: the policies, and whose rows anybody may see.</summary>
internal static class PermissionSetup
{
    /// <summary>Adds the policies, with default deny, and users with their scopes.</summary>
    public static void AddCrmPermissions(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ScopeReader>();
        builder.Services.AddSingleton<UserDirectory>();
        builder.Services.AddSingleton<SensitiveReads>();
        builder.Services.AddSingleton<TeamDirectory>();
        builder.Services.AddSingleton<LastAdmin>();
        builder.Services.AddSingleton<UserRegistration>();
        Policies.Register(builder.Services.AddAuthorizationBuilder());
    }
}
