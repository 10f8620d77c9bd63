using Crm.Domain.Access;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>
/// Writes the facts of access to the log. Each begins a stream of its own, so that nothing is read for it and nothing conflicts; a
/// session's end follows its beginning. Passwords, codes and tokens never come here.
/// </summary>
public sealed class AccessFacts(EventLog log, TimeProvider clock)
{
    /// <summary>Records a fact; when this returns, it is in the log.</summary>
    public Task Record(AccessEvent fact, Envelope envelope, CancellationToken ct) =>
        Append(Guid.CreateVersion7(clock.GetUtcNow()), 0, fact, envelope, ct);

    /// <summary>Records that a session began.</summary>
    public Task SignedIn(SignedIn fact, Envelope envelope, CancellationToken ct) => Append(fact.SessionId, 0, fact, envelope, ct);

    /// <summary>Records that a session ended; once, whoever comes second.</summary>
    public async Task SessionEnded(Guid userId, Guid session, SessionEnding why, Envelope envelope, CancellationToken ct)
    {
        // A session that began before such facts were kept has no stream yet.
        var history = await log.ReadStream(session, ct);
        if (!history.Any(static recorded => recorded.Data is SessionEnded))
        {
            await Append(session, history.Count, new SessionEnded(userId, session, why), envelope, ct);
        }
    }

    /// <summary>Records that sessions of a user ended.</summary>
    public async Task SessionsEnded(
        Guid userId, IReadOnlyList<Guid> sessions, SessionEnding why, Envelope envelope, CancellationToken ct)
    {
        foreach (var session in sessions)
        {
            await SessionEnded(userId, session, why, envelope, ct);
        }
    }

    private async Task Append(Guid stream, long version, AccessEvent fact, Envelope envelope, CancellationToken ct)
    {
        var now = Http.WireFormats.Microseconds(clock.GetUtcNow());
        var happened = new NewEvent(Guid.CreateVersion7(now), fact, now);
        await log.Append(new AppendCommand([new StreamAppend(stream, AccessEvent.StreamType, version, [happened])], envelope), ct);
    }
}
