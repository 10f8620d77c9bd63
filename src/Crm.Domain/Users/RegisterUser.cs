namespace Crm.Domain.Users;

/// <summary>Registers a user.</summary>
/// <param name="Name">The user's name, for people.</param>
/// <param name="Email">The address that the user signs in with; null for an agent who is known from imported history only.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="IsActive">False for an agent who is known from imported history only.</param>
/// <param name="Oversight">Whose leads the user oversees as a manager.</param>
public sealed record RegisterUser(
    string Name, string? Email, Role Role, bool IsActive = true, Oversight Oversight = Oversight.Company) : ICommand<User, UserEvent>
{
    /// <inheritdoc/>
    public Decision<UserEvent> Decide(User user) => user switch
    {
        { Exists: true } => UserRefusals.AlreadyExists,
        { Exists: false } when string.IsNullOrWhiteSpace(Name) => UserRefusals.NoName,
        { Exists: false } when Email is not null && !EmailAddress.IsValid(Email) => UserRefusals.InvalidEmail,
        { Exists: false } when Oversight == Oversight.Company => new UserRegistered(Name, Email, Role, IsActive),
        { Exists: false } => [new UserRegistered(Name, Email, Role, IsActive), new UserOversightChanged(Oversight)],
    };
}
