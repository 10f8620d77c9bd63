namespace Crm.Domain.Users;

/// <summary>Changes a user's name.</summary>
/// <param name="Name">The name from now on.</param>
public sealed record RenameUser(string Name) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: false } => UserRefusals.NotFound,
        { Exists: true } when string.IsNullOrWhiteSpace(Name) => UserRefusals.NoName,
        { Exists: true } when user.Name == Name => default(NoChange),
        { Exists: true } => new UserRenamed(Name),
    };
}
