using Crm.Web.Http;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>Signing in and out: passwords and sessions, and their routes.</summary>
public static class SignInSetup
{
    /// <summary>Adds credentials, sessions and sign-ins.</summary>
    internal static void AddCrmSignIn(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<Credentials>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<SignIns>();
        services.AddSingleton<LoginLimit>();
        services.AddSingleton<FirstAdmin>();
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
        auth.MapPost("/logout", LogoutEndpoint.Handle).RequireAuthorization(Policies.Person).WithSummary("Sign out: the session ends.")
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
