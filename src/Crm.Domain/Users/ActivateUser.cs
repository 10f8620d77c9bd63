namespace Crm.Domain.Users;

/// <summary>Lets a user sign in again.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record ActivateUser(string? Reason) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: false } => UserRefusals.NotFound,
        { IsActive: true } => default(NoChange),
        { IsActive: false } => new UserActivated(Reason),
    };
}
