using Crm.Application.ApiKeys;
using Crm.Application.Permissions;
using Crm.Domain.ApiKeys;
using Crm.EventStore.Log;

namespace Crm.Application.Recovery;

/// <summary>
/// Revokes every API key of a database that was restored or recovered, on the record: which of them were revoked after an archive was
/// made, nobody can know any more. What proves them has not been brought back either, so none opens anything at any moment in between.
/// </summary>
internal static class RevokedKeys
{
    private const int StreamsAtOnce = 500;

    /// <summary>Revokes them; those that are revoked already stay as they are.</summary>
    /// <param name="log">The log.</param>
    /// <param name="because">The reason that stands beside each.</param>
    /// <param name="now">The time.</param>
    /// <param name="ct">Stops it; the same call goes on.</param>
    /// <returns>How many were revoked now.</returns>
    public static async Task<int> All(EventLog log, string because, DateTimeOffset now, CancellationToken ct)
    {
        using var commands = new CommandRunner(log);
        var context = new CommandContext(Envelope.System with { Reason = because }, now, Scope.System);
        var (revoked, after) = (0, Guid.Empty);
        while (await log.ListStreams(ApiKey.Aggregate.StreamType, after, StreamsAtOnce, ct) is { Count: > 0 } keys)
        {
            foreach (var key in keys)
            {
                revoked += await commands.Run(ApiKeyStream.Kind, key, new RevokeApiKey(), context, ct) is CommandResult.Done { EventTypes.Count: > 0 }
                    ? 1
                    : 0;
            }

            after = keys[^1];
        }

        return revoked;
    }
}
