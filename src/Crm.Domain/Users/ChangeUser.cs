namespace Crm.Domain.Users;

/// <summary>Changes a user's name and role together: all of it happens, or none.</summary>
/// <param name="Name">The name from now on; null when it stays.</param>
/// <param name="Role">The role from now on; null when it stays.</param>
/// <param name="IsLastAdmin">As in <see cref="ChangeUserRole"/>.</param>
public sealed record ChangeUser(string? Name, Role? Role, bool IsLastAdmin) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user)
    {
        if (!user.Exists)
        {
            return UserRefusals.NotFound;
        }

        var renamed = Name is null ? default(NoChange) : new RenameUser(Name).Decide(user);
        var promoted = Role is { } role ? new ChangeUserRole(role, IsLastAdmin).Decide(user) : default(NoChange);
        return (renamed.Refusal ?? promoted.Refusal) is { } refusal
            ? refusal
            : Decision<UserEvent>.Happened([.. renamed.Events, .. promoted.Events]);
    }
}
