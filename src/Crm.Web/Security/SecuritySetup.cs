using Microsoft.Extensions.Options;

namespace Crm.Web.Security;

/// <summary>Login, tokens, roles: what the host needs of them.</summary>
public static class SecuritySetup
{
    /// <summary>Adds authentication by bearer token, the policies and default deny.</summary>
    public static void AddCrmSecurity(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<SecurityOptions>()
            .BindConfiguration(SecurityOptions.Section)
            .Validate(
                options => options.IsValid, $"The settings under {SecurityOptions.Section} contradict each other or are out of range.")
            .ValidateOnStart();
        builder.Services.AddSingleton(provider => provider.GetRequiredService<IOptions<SecurityOptions>>().Value);
        builder.AddCrmPermissions();
        builder.AddCrmSignIn();
        builder.AddCrmTokens();
    }
}
