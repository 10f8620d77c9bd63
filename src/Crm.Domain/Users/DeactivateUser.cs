namespace Crm.Domain.Users;

/// <summary>Shuts a user out: no sign-in, no new leads. What they did stays theirs.</summary>
/// <param name="IsOwnAccount">Whether the one who asks is the user.</param>
/// <param name="IsLastAdmin">Whether this is the only active admin; looked up as in <see cref="ChangeUserRole"/>.</param>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record DeactivateUser(bool IsOwnAccount, bool IsLastAdmin, string? Reason) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: false } => UserRefusals.NotFound,
        { IsActive: false } => default(NoChange),
        { IsActive: true } when IsOwnAccount => UserRefusals.OwnAccount,
        { IsActive: true, Role: Role.Admin } when IsLastAdmin => UserRefusals.LastAdmin,
        { IsActive: true } => new UserDeactivated(Reason),
    };
}
