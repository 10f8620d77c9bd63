using Crm.Web.Http;
using Crm.Web.Users;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Crm.Web.Security;

/// <summary>Login, tokens, roles: what the host needs of them, and their routes.</summary>
public static class SecuritySetup
{
    /// <summary>Adds authentication by bearer token, the policies and default deny.</summary>
    public static void AddCrmSecurity(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<SecurityOptions>()
            .BindConfiguration(SecurityOptions.Section)
            .Validate(
                options => options.IsValid, $"The settings under {SecurityOptions.Section} contradict each other or are out of range.")
            .ValidateOnStart();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<SecurityOptions>>().Value);
        services.AddSingleton(MasterKey.Load(builder.Configuration, builder.Environment));
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<JwtTokens>();
        services.AddSingleton<Credentials>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<RememberedTokens>();
        services.AddSingleton<SignIns>();
        services.AddSingleton<LoginLimit>();
        services.AddSingleton<UserDirectory>();
        services.AddSingleton<UserRegistration>();
        services.AddSingleton<LastAdmin>();
        services.AddSingleton<FirstAdmin>();
        services.AddAuthentication(BearerHandler.Scheme)
            .AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, configureOptions: null);
        Policies.Register(services.AddAuthorizationBuilder());

        // The framework's handler logs every refused request; refused sign-ins are logged by us, the rest is counted.
        builder.Logging.AddFilter(typeof(BearerHandler).FullName, LogLevel.Warning);
    }

    /// <summary>Maps the routes under <c>/auth</c>, and <c>/me</c>.</summary>
    public static void MapAuth(this IEndpointRouteBuilder api)
    {
        var auth = api.MapGroup("/auth").WithTags("Login");
        auth.MapPost("/login", LoginEndpoint.Handle).AllowAnonymous().IsNoCommand()
            .WithSummary("Sign in: a pair of tokens for an address and a password.")
            .Produces<TokenPair>().ProducesProblem(401).ProducesProblem(422).ProducesProblem(429);
        auth.MapPost("/refresh", RefreshEndpoint.Handle).AllowAnonymous().IsNoCommand()
            .WithSummary("Renew a session: the next pair of tokens.")
            .Produces<TokenPair>().ProducesProblem(401).ProducesProblem(422);
        auth.MapPost("/logout", LogoutEndpoint.Handle).RequireAuthorization(Policies.SignedIn).WithSummary("Sign out: the session ends.")
            .Produces(204);
        api.MapGet("/me", MeEndpoint.Handle).RequireAuthorization(Policies.SignedIn).WithTags("Login")
            .WithSummary("Who is signed in.").Produces<UserBody>();
    }

    // Signing in changes no stream: it has no version to match, and a saved answer would be a saved token.
    private static RouteHandlerBuilder IsNoCommand(this RouteHandlerBuilder route)
    {
        route.Add(static endpoint =>
        {
            foreach (var mark in endpoint.Metadata.OfType<CommandRoute>().ToList())
            {
                endpoint.Metadata.Remove(mark);
            }
        });
        return route;
    }
}
