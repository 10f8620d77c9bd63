using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>A user as the log has it now.</summary>
public static class UserHistory
{
    /// <summary>The fold of the user's stream; <see cref="User.Initial"/> when there is no such user.</summary>
    public static async Task<User> ReadUser(this EventLog log, Guid userId, CancellationToken ct)
    {
        var history = await log.ReadStream(userId, ct);

        // Any stream's id may be asked for: a lead is not a user.
        return history is [{ Data: UserEvent }, ..]
            ? User.Aggregate.Fold(history.Select(recorded => (UserEvent)recorded.Data))
            : User.Initial;
    }
}
