using System.Runtime.CompilerServices;
using Crm.Application.Leads;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>A unique key that stands wrongly: somebody else has it or nobody, or it is claimed by a stream that does not have it.</summary>
/// <param name="Key">The key, and the stream that it should or does stand for.</param>
/// <param name="IsMissing">Whether it is missing; otherwise it is one too many.</param>
internal sealed record WrongKey(UniqueKey Key, bool IsMissing);

/// <summary>
/// Compares the unique keys with the folds of the streams that claim them. For leads, of which there are many, the read model says where to
/// look; whether it is so, the lead's own stream says.
/// </summary>
internal sealed class KeyChecks(NpgsqlDataSource database, EventLog log, Tally tally)
{
    private const int AtOnce = 10_000;

    private const string MissingSql =
        """
        select count(*), (array_agg(lead_id order by lead_id desc))[1],
            array_agg(lead_id) filter (where external_id is not null and held is distinct from lead_id)
        from (
            select b.lead_id, b.external_id,
                (select k.stream_id from crm.unique_keys k where k.scope = $3 and k.key = b.external_id) as held
            from crm_read.lead_board b where b.lead_id > $1 order by b.lead_id limit $2) page
        """;

    private const string ExtraSql =
        """
        select k.scope, k.key, k.stream_id,
            k.scope = $3 and exists (select from crm_read.lead_board b where b.lead_id = k.stream_id and b.external_id = k.key) as fits
        from crm.unique_keys k where (k.scope, k.key) > ($1, $2) order by k.scope, k.key limit 5000
        """;

    private const string ReceiptsSql =
        """
        select count(*), array_agg(r.recorded_at::text) filter (where bad) from (
            select recorded_at, position > (select position from crm.log_counter)
                or (event_types <> '{}' and not exists (
                    select from crm.mt_streams s where s.id = r.stream_id and s.version >= r.version)) as bad
            from crm.receipts r) r
        """;

    /// <summary>Checks keys and receipts.</summary>
    public async Task Run(CancellationToken ct)
    {
        foreach (var wrong in await Wrong(ct))
        {
            tally.Offends(
                IntegrityCheck.UniqueKeys,
                $"{wrong.Key.Scope} of {wrong.Key.StreamId} {(wrong.IsMissing ? "is missing" : "is one too many")}");
        }

        await Receipts(ct);
    }

    /// <summary>The keys that stand wrongly.</summary>
    public async Task<IReadOnlyList<WrongKey>> Wrong(CancellationToken ct)
    {
        var wrong = new List<WrongKey>();
        await foreach (var lead in LeadsToLookAt(ct))
        {
            wrong.AddRange(await MissingOf(LeadStream.Kind, lead, ct));
        }

        await Missing(UserStream.Kind, wrong, ct);
        await Missing(TeamStream.Kind, wrong, ct);
        await Extra(wrong, ct);
        return wrong;
    }

    private async IAsyncEnumerable<Guid> LeadsToLookAt([EnumeratorCancellation] CancellationToken ct)
    {
        var after = Guid.Empty;
        while (true)
        {
            Guid[] suspects;
            await using (var look = database.CreateCommand(MissingSql))
            {
                look.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
                look.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AtOnce });
                look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = LeadStream.ExternalIdScope });
                await using var reader = await look.ExecuteReaderAsync(ct);
                await reader.ReadAsync(ct);
                if (reader.GetInt64(0) == 0)
                {
                    yield break;
                }

                tally.Looked(IntegrityCheck.UniqueKeys, reader.GetInt64(0));
                after = reader.GetGuid(1);
                suspects = await reader.IsDBNullAsync(2, ct) ? [] : reader.GetFieldValue<Guid[]>(2);
            }

            foreach (var suspect in suspects)
            {
                yield return suspect;
            }
        }
    }

    private async Task Missing<TState, TEvent>(StreamKind<TState, TEvent> kind, List<WrongKey> wrong, CancellationToken ct)
        where TEvent : class
    {
        var after = Guid.Empty;
        while (await log.ListStreams(kind.Aggregate.StreamType, after, 500, ct) is [.., var last] streams)
        {
            tally.Looked(IntegrityCheck.UniqueKeys, streams.Count);
            foreach (var stream in streams)
            {
                wrong.AddRange(await MissingOf(kind, stream, ct));
            }

            after = last;
        }
    }

    private async Task<List<WrongKey>> MissingOf<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid stream, CancellationToken ct)
        where TEvent : class
    {
        var missing = new List<WrongKey>();
        foreach (var key in await KeysOf(kind, stream, ct))
        {
            if (await log.FindHolder(key.Scope, key.Key, ct) != stream)
            {
                missing.Add(new WrongKey(key, IsMissing: true));
            }
        }

        return missing;
    }

    private async Task Extra(List<WrongKey> wrong, CancellationToken ct)
    {
        for (var (scope, last, more) = ("", "", true); more;)
        {
            var keys = new List<(UniqueKey Key, bool Fits)>();
            await using (var look = database.CreateCommand(ExtraSql))
            {
                look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = scope });
                look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = last });
                look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = LeadStream.ExternalIdScope });
                await using var reader = await look.ExecuteReaderAsync(ct);
                while (await reader.ReadAsync(ct))
                {
                    keys.Add((new UniqueKey(reader.GetString(0), reader.GetString(1), reader.GetGuid(2)), reader.GetBoolean(3)));
                }
            }

            tally.Looked(IntegrityCheck.UniqueKeys, keys.Count);
            foreach (var (key, _) in keys.Where(static each => !each.Fits))
            {
                if (!(await KeysOf(key, ct)).Contains(key) && await log.FindHolder(key.Scope, key.Key, ct) == key.StreamId)
                {
                    wrong.Add(new WrongKey(key, IsMissing: false));
                }
            }

            (scope, last, more) = keys is [.., var (end, _)] ? (end.Scope, end.Key, true) : (scope, last, false);
        }
    }

    private async Task<IReadOnlyList<UniqueKey>> KeysOf(UniqueKey key, CancellationToken ct) => key.Scope == LeadStream.ExternalIdScope
        ? await KeysOf(LeadStream.Kind, key.StreamId, ct)
        : [.. await KeysOf(UserStream.Kind, key.StreamId, ct), .. await KeysOf(TeamStream.Kind, key.StreamId, ct)];

    private async Task<IReadOnlyList<UniqueKey>> KeysOf<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid stream, CancellationToken ct)
        where TEvent : class
    {
        var history = await log.ReadStreamAsStored(stream, ct);
        return history is [{ Data: TEvent }, ..]
            ? kind.Keys(stream, kind.Aggregate.Fold(history.Select(static recorded => recorded.Data).OfType<TEvent>()))
            : [];
    }

    private async Task Receipts(CancellationToken ct)
    {
        await using var look = database.CreateCommand(ReceiptsSql);
        await using var reader = await look.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        tally.Looked(IntegrityCheck.Receipts, reader.GetInt64(0));
        if (!await reader.IsDBNullAsync(1, ct))
        {
            var bad = reader.GetFieldValue<string[]>(1);
            tally.Offend(IntegrityCheck.Receipts, bad.Length, bad.Select(static at => $"of {at}"));
        }
    }
}
