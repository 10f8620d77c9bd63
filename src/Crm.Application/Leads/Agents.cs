using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Application.Leads;

/// <summary>Looks up agents in their own streams, as they stand now.</summary>
public static class Agents
{
    /// <summary>The agent of an id, whether or not there is one.</summary>
    public static async Task<Agent> FindAgent(this EventLog log, Guid id, CancellationToken ct)
    {
        var user = User.Aggregate.Fold((await log.ReadForDecision(id, ct)).Select(recorded => recorded.Data).OfType<UserEvent>());
        return new Agent(id, user.Exists, user.IsActive);
    }
}
