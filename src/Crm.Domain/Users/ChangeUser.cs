namespace Crm.Domain.Users;

/// <summary>Changes a user's name, role and oversight together: all of it happens, or none.</summary>
/// <param name="Name">The name from now on; null when it stays.</param>
/// <param name="Role">The role from now on; null when it stays.</param>
/// <param name="IsLastAdmin">As in <see cref="ChangeUserRole"/>.</param>
/// <param name="Oversight">Whose leads the user oversees from now on; null when it stays.</param>
public sealed record ChangeUser(string? Name, Role? Role, bool IsLastAdmin, Oversight? Oversight = null) : ICommand<User, UserEvent>
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
        var overseeing = Oversight is { } oversight ? new ChangeOversight(oversight).Decide(user) : default(NoChange);
        return (renamed.Refusal ?? promoted.Refusal ?? overseeing.Refusal) is { } refusal
            ? refusal
            : Decision<UserEvent>.Happened([.. renamed.Events, .. promoted.Events, .. overseeing.Events]);
    }
}
