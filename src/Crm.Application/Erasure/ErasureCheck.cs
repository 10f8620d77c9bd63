using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Erasure;

/// <summary>A place where something of a lead may stand.</summary>
/// <param name="Place">The place, such as <c>log</c> or <c>read model lead_timeline</c>.</param>
/// <param name="Holds">What stands there.</param>
/// <param name="Count">How much of it.</param>
/// <param name="IsClean">Whether nothing of it tells who the person is.</param>
public sealed record ErasurePlace(string Place, string Holds, long Count, bool IsClean);

/// <summary>The fact that a lead was erased, and what the database says of it at this moment.</summary>
/// <param name="Erased">The recorded fact.</param>
/// <param name="Places">Every place that was looked at.</param>
/// <param name="KeyDestroyedAt">When the key of the personal data was destroyed; null where it is not.</param>
public sealed record ErasureFindings(RecordedEvent Erased, IReadOnlyList<ErasurePlace> Places, DateTimeOffset? KeyDestroyedAt)
{
    /// <summary>Whether the erasure holds everywhere.</summary>
    public bool Verified => KeyDestroyedAt is not null && Places.All(static place => place.IsClean);
}

/// <summary>
/// Looks at every place where something of a lead may stand. Nothing is remembered from one look to the next: what is answered is what the
/// database holds now.
/// </summary>
/// <param name="database">The database, in the role that the product runs as.</param>
/// <param name="log">The log.</param>
/// <param name="projections">The read models.</param>
public sealed class ErasureCheck(NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections)
{
    private static readonly LeadErased anErasure = new("", "");

    // Those that an erasure does not rewrite count leads and hold nothing of a person.
    private readonly StreamCheck models = new(database, log, [.. projections.Where(static projection => projection.Rewrites(anErasure))]);

    /// <summary>What stands where.</summary>
    /// <param name="lead">The lead.</param>
    /// <param name="history">Its events as they read now.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<ErasurePlace>> Places(Guid lead, IReadOnlyList<RecordedEvent> history, CancellationToken ct)
    {
        var erasedAt = history.FirstOrDefault(static recorded => recorded.Data is LeadErased)?.Position;
        var places = new List<ErasurePlace> { OfLog(history), await OfKey(lead, ct) };
        foreach (var model in await models.Of(lead, ct))
        {
            places.AddRange(OfModel(model, erasedAt ?? 0));
        }

        places.Add(await Count("parked", "streams that a read model could not apply", "crm.parked", lead, mayStay: false, ct));
        places.Add(await Count("unique keys", "external ids", "crm.unique_keys", lead, mayStay: false, ct));

        // Of a request a receipt keeps the digest and what was answered: names of events. It is forgotten after two days.
        places.Add(await Count("receipts", "digests of requests", "crm.receipts", lead, mayStay: true, ct));
        return places;
    }

    /// <summary>What the database says of an erasure; null where the lead was not erased.</summary>
    public async Task<ErasureFindings?> Verify(Guid lead, CancellationToken ct)
    {
        var history = await log.ReadStream(lead, ct);
        return history.FirstOrDefault(static recorded => recorded.Data is LeadErased) is { } erased
            ? new ErasureFindings(erased, await Places(lead, history, ct), await KeyDestroyedAt(lead, ct))
            : null;
    }

    private ErasurePlace OfLog(IReadOnlyList<RecordedEvent> history)
    {
        var held = history.Count(recorded => recorded.IsErased || log.Catalog.HoldsPersonalData(recorded));
        return new ErasurePlace(
            "log", "events with personal data", held, !history.Any(recorded => !recorded.IsErased && log.Catalog.HoldsPersonalData(recorded)));
    }

    private static IEnumerable<ErasurePlace> OfModel(StreamModel model, long erasedAt)
    {
        // Row for row what the log gives now, as far as the erasure and beyond: where the log says nothing of the person, they do not either.
        var isRewritten = model.ParkedAt is null && model.Position >= erasedAt;
        foreach (var table in model.Tables)
        {
            yield return new ErasurePlace($"read model {table.Table}", "rows", table.Rows, isRewritten && table.Different == 0);
        }

        yield return new ErasurePlace($"read model {model.Projection}, builds that nobody reads", "rows", model.RowsElsewhere, model.RowsElsewhere == 0);
    }

    private async Task<ErasurePlace> OfKey(Guid lead, CancellationToken ct)
    {
        await using var count = database.CreateCommand("select count(*) from crm.subject_keys where stream_id = $1 and wrapped is not null");
        count.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead });
        var keys = (long)(await count.ExecuteScalarAsync(ct) ?? 0L);
        return new ErasurePlace("keys", "keys that open the lead's personal data", keys, keys == 0);
    }

    private async Task<DateTimeOffset?> KeyDestroyedAt(Guid lead, CancellationToken ct)
    {
        await using var find = database.CreateCommand("select destroyed_at from crm.subject_keys where stream_id = $1");
        find.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead });
        return await find.ExecuteScalarAsync(ct) is DateTime time ? new DateTimeOffset(time) : null;
    }

    private async Task<ErasurePlace> Count(string place, string holds, string table, Guid lead, bool mayStay, CancellationToken ct)
    {
        await using var count = database.CreateCommand($"select count(*) from {table} where stream_id = $1");
        count.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead });
        var rows = (long)(await count.ExecuteScalarAsync(ct) ?? 0L);
        return new ErasurePlace(place, holds, rows, mayStay || rows == 0);
    }
}
