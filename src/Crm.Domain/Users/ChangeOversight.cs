namespace Crm.Domain.Users;

/// <summary>Changes whose leads a user oversees as a manager.</summary>
/// <param name="Oversight">Whose, from now on.</param>
public sealed record ChangeOversight(Oversight Oversight) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: false } => UserRefusals.NotFound,
        { Exists: true } when user.Oversight == Oversight => default(NoChange),
        { Exists: true } => new UserOversightChanged(Oversight),
    };
}
