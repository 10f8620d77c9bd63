using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Web.Users;

/// <summary>A user as clients see it.</summary>
/// <param name="Id">The user's id; an agent's id too.</param>
/// <param name="Name">The name, for people.</param>
/// <param name="Email">The address that the user signs in with; null for an agent who is known from imported history only.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Oversight">Whose leads the user oversees as a manager.</param>
/// <param name="Active">Whether the user may sign in and be given leads.</param>
/// <param name="RegisteredAt">When the user was registered.</param>
/// <param name="UpdatedAt">When the user last changed.</param>
/// <param name="Version">The stream's version, for <c>If-Match</c>.</param>
public sealed record UserBody(
    Guid Id, string Name, string? Email, Role Role, Oversight Oversight, bool Active, DateTimeOffset RegisteredAt, DateTimeOffset UpdatedAt,
    long Version)
{
    /// <summary>The user whose history this is.</summary>
    public static UserBody Of(Guid id, IReadOnlyList<RecordedEvent> history)
    {
        var user = User.Aggregate.Fold(history.Select(recorded => (UserEvent)recorded.Data));
        return new UserBody(
            id, user.Name, user.Email, user.Role, user.Oversight, user.IsActive, history[0].At, history[^1].At, history.Count);
    }
}

/// <summary>A page of users.</summary>
/// <param name="Items">The users, in the order of their ids.</param>
/// <param name="NextCursor">Where the next page begins; null on the last one.</param>
public sealed record UserPage(IReadOnlyList<UserBody> Items, string? NextCursor);
