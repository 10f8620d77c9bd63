using Microsoft.AspNetCore.Authentication;

namespace Crm.Web.Security;

/// <summary>Tokens: how they are signed, read, remembered, and asked for.</summary>
internal static class TokenSetup
{
    /// <summary>Adds the signing keys and authentication by bearer token.</summary>
    public static void AddCrmTokens(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<SecurityOptions>().Validate(
            options => !builder.Environment.IsProduction() || options.Issuers.All(static one => one.Metadata.Scheme == Uri.UriSchemeHttps),
            "In Production the metadata of another issuer is fetched by https only.");
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<KeyRotation>();
        services.AddSingleton<JwtTokens>();
        services.AddSingleton<SessionTokens>();
        services.AddSingleton<ApiKeys.ApiKeys>();
        services.AddSingleton<IssuerFetch>();
        services.AddSingleton<ExternalUsers>();
        services.AddSingleton<ExternalIssuers>();
        services.AddSingleton<Proofs>();
        services.AddSingleton<RememberedTokens>();
        services.AddAuthentication(BearerHandler.Scheme)
            .AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, configureOptions: null);

        // The framework's handler logs every refused request; refused sign-ins are logged by us, the rest is counted.
        builder.Logging.AddFilter(typeof(BearerHandler).FullName, LogLevel.Warning);
    }
}
