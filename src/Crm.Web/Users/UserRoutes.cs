using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Users;

/// <summary>The routes of users.</summary>
public static class UserRoutes
{
    /// <summary>Maps them; all are for those who manage users.</summary>
    public static void MapUsers(this IEndpointRouteBuilder api)
    {
        var users = api.MapGroup("/users").RequireAuthorization(Policies.UsersManage).WithTags("Users");
        users.MapPost("", RegisterUserEndpoint.Handle).WithSummary("Register a user.")
            .Produces<CommandAnswerBody>(201).ProducesProblem(409).ProducesProblem(422);
        users.MapGet("", ListUsersEndpoint.Handle).Takes(ListUsersEndpoint.Parameters).WithSummary("List users.").Produces<UserPage>();
        users.MapGet("/{id:guid}", GetUserEndpoint.Handle).WithSummary("Read a user.").Produces<UserBody>().ProducesProblem(404);
        users.MapPatch("/{id:guid}", ChangeUserEndpoint.Handle).WithSummary("Change a user's name or role.")
            .Produces<CommandAnswerBody>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);
        users.MapPost("/{id:guid}/deactivate", DeactivateUserEndpoint.Handle).WithSummary("Shut a user out.")
            .Produces<CommandAnswerBody>().ProducesProblem(404).ProducesProblem(409);
        users.MapPost("/{id:guid}/activate", ActivateUserEndpoint.Handle).WithSummary("Let a user in again.")
            .Produces<CommandAnswerBody>().ProducesProblem(404);
    }
}
