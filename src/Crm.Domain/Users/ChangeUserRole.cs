namespace Crm.Domain.Users;

/// <summary>Changes what a user may do.</summary>
/// <param name="Role">The role from now on.</param>
/// <param name="IsLastAdmin">
/// Whether this is the only active admin, looked up in the list of users before the decision. The append relies on the other admin's
/// stream, so that two admins who take each other's role in the same instant cannot both succeed.
/// </param>
public sealed record ChangeUserRole(Role Role, bool IsLastAdmin) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: false } => UserRefusals.NotFound,
        { Exists: true } when user.Role == Role => default(NoChange),
        { Role: Role.Admin } when IsLastAdmin => UserRefusals.LastAdmin,
        { Exists: true } => new UserRoleChanged(Role),
    };
}
