using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>A user as the log has it now.</summary>
public static class UserHistory
{
    /// <summary>The fold of the user's stream; <see cref="User.Initial"/> when there is no such user.</summary>
    public static async Task<User> ReadUser(this EventLog log, Guid userId, CancellationToken ct) => Fold(await log.ReadStream(userId, ct));

    /// <summary>The user whose history this is; <see cref="User.Initial"/> where it is not a user's: any stream's id may be asked for.</summary>
    public static User Fold(IReadOnlyList<RecordedEvent> history) => history is [{ Data: UserEvent }, ..]
        ? User.Aggregate.Fold(history.Select(recorded => (UserEvent)recorded.Data))
        : User.Initial;
}
