using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>Signing in and out: passwords, second factors and sessions, and their routes.</summary>
public static class SignInSetup
{
    /// <summary>Adds credentials, sessions and sign-ins.</summary>
    internal static void AddCrmSignIn(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<AccessFacts>();
        services.AddSingleton<Credentials>();
        services.AddSingleton<PasswordChanges>();
        services.AddSingleton<SecondFactors>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<SignInDelays>();
        services.AddSingleton<SignIns>();
        services.AddSingleton<FirstAdmin>();
        services.AddSingleton<FailedSignIns>();
        services.AddHostedService(static provider => provider.GetRequiredService<FailedSignIns>());
    }

    /// <summary>Maps the routes under <c>/auth</c> and <c>/me</c>, and what admins do about a user's access.</summary>
    public static void MapAuth(this IEndpointRouteBuilder api)
    {
        api.MapSigningIn();
        api.MapMine();
        api.MapUsersAccess();
    }

    private static void MapSigningIn(this IEndpointRouteBuilder api)
    {
        var auth = api.MapGroup("/auth").WithTags("Login");
        auth.MapPost("/login", LoginEndpoint.Handle).AllowAnonymous().IsNoCommand()
            .WithSummary("Sign in: a pair of tokens for an address, a password and, where there is a second factor, a code.")
            .Produces<TokenPair>().Refuses(401, 422, 429);
        auth.MapPost("/refresh", RefreshEndpoint.Handle).AllowAnonymous().IsNoCommand()
            .WithSummary("Renew a session: the next pair of tokens.")
            .Produces<TokenPair>().Refuses(401, 409, 422);
        auth.MapPost("/reset", ResetPasswordEndpoint.Handle).AllowAnonymous().IsNoCommand()
            .WithSummary("Choose a password by a token that an admin handed out.").Produces(204).Refuses(401, 422);
        auth.MapPost("/password", ChangePasswordEndpoint.Handle).RequireAuthorization(Policies.Person).IsNoCommand()
            .WithSummary("Change the own password: every other session ends.").Produces<TokenPair>().Refuses(422, 429);
        auth.MapPost("/logout", LogoutEndpoint.Handle).RequireAuthorization(Policies.Person).IsNoCommand()
            .WithSummary("Sign out: the session ends.").Produces(204).Refuses(409);
    }

    private static void MapMine(this IEndpointRouteBuilder api)
    {
        var me = api.MapGroup("/me").RequireAuthorization(Policies.SignedIn).WithTags("Login");
        me.MapGet("", MeEndpoint.Handle).WithSummary("Who is signed in.").Produces<MeBody>();
        var own = me.MapGroup("").RequireAuthorization(Policies.Person);
        own.MapGet("/sessions", ListMySessionsEndpoint.Handle).WithSummary("Where the caller is signed in.").Produces<SessionList>();
        own.MapPost("/sessions/{id:guid}/end", EndMySessionEndpoint.Handle).IsNoCommand()
            .WithSummary("End a session of the caller's.").Produces(204);
        own.MapPost("/second-factor", OfferSecondFactorEndpoint.Handle).IsNoCommand()
            .WithSummary("Begin to use a second factor: its secret.").Produces<OfferedSecondFactor>(201).Refuses(409, 422, 429);
        own.MapPost("/second-factor/confirm", ConfirmSecondFactorEndpoint.Handle).IsNoCommand()
            .WithSummary("Take the second factor into use: the recovery codes.").Produces<ShownRecoveryCodes>().Refuses(409, 422);
        own.MapPost("/second-factor/remove", RemoveSecondFactorEndpoint.Handle).IsNoCommand()
            .WithSummary("Do without a second factor again.").Produces(204).Refuses(409, 422, 429);
    }

    private static void MapUsersAccess(this IEndpointRouteBuilder api)
    {
        var user = api.MapGroup("/users/{id:guid}").RequireAuthorization(Policies.UsersManage, Policies.Person).WithTags("Users");
        user.MapPost("/password-reset", IssuePasswordResetEndpoint.Handle).IsNoCommand()
            .WithSummary("Hand out a token with which the user may choose a password, once, within an hour.")
            .Produces<PasswordResetToken>(201).Refuses(409);
        user.MapPost("/unlock", UnlockUserEndpoint.Handle).IsNoCommand()
            .WithSummary("Let a user who has to wait after too many failures try again at once.").Produces(204);
        user.MapPost("/sessions/end", EndUsersSessionsEndpoint.Handle).IsNoCommand()
            .WithSummary("End every session of a user.").Produces(204);
        user.MapPost("/second-factor/remove", RemoveUsersSecondFactorEndpoint.Handle).IsNoCommand()
            .WithSummary("Remove the second factor of a user who has lost it.").Produces(204);
    }

    private static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
        {
            route.ProducesProblem(status);
        }

        return route;
    }

    // Access changes no stream that has a version to match, and a saved answer would be a saved token.
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
