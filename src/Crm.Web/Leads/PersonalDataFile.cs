using System.Text.Json;
using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Leads;

/// <summary>Puts together everything that is held on the person behind a lead. What the log says is told from the log, never from a list.</summary>
/// <param name="database">The database, in the role that the product runs as.</param>
/// <param name="log">The log.</param>
public sealed class PersonalDataFile(NpgsqlDataSource database, EventLog log)
{
    private readonly StreamCheck models = new(database, log, ProjectionList.All);

    /// <summary>Whether there is such a lead.</summary>
    public async Task<bool> Exists(Guid lead, CancellationToken ct) => await log.ReadStream(lead, ct, to: 1) is [{ Data: LeadEvent }];

    /// <summary>Everything that is held on the person behind a lead that exists.</summary>
    public async Task<PersonalDataBody> Of(Guid lead, DateTimeOffset now, CancellationToken ct)
    {
        var upTo = await log.LastPosition(ct);
        var history = await log.ReadStream(lead, ct);
        var looks = await Looks(lead, upTo, ct);
        var names = await Names(history.Concat(looks), ct);
        var row = LeadRow.Fold(history) ?? throw new InvalidOperationException("A lead that exists has a history.");
        return new PersonalDataBody(
            lead,
            now,
            upTo,
            LeadBody.Of(row),
            [.. history.Select(recorded => EventOf(recorded, names))],
            [.. looks.Select(look => ReadOf(look, names))],
            [.. (await models.Of(lead, ct)).SelectMany(static model => model.Tables).Select(static table => new PersonalRows(table.Table, table.Rows))],
            await Requests(lead, ct));
    }

    private PersonalEvent EventOf(RecordedEvent recorded, Dictionary<string, string> names)
    {
        var (sentence, agent) = LeadSentence.Of((LeadEvent)recorded.Data, recorded.IsErased);
        var agentName = agent is { } id ? names.GetValueOrDefault(id.ToString("D"), "an agent") : "";
        return new PersonalEvent(
            recorded.Position,
            recorded.Version,
            recorded.Type,
            sentence.Replace(LeadTimeline.AgentPlace, agentName, StringComparison.Ordinal),
            recorded.At,
            recorded.RecordedAt,
            recorded.Envelope.Actor,
            names.GetValueOrDefault(recorded.Envelope.Actor ?? ""),
            recorded.Envelope.OnBehalfOf,
            recorded.Envelope.ApiKeyId,
            recorded.Envelope.Reason,
            recorded.Envelope.OperationId,
            recorded.Envelope.CorrelationId,
            recorded.Envelope.CausationId,
            new RawJson(log.Catalog.Serialize(recorded.Data)),
            recorded.IsErased);
    }

    private static PersonalRead ReadOf(RecordedEvent look, Dictionary<string, string> names) => new(
        look.At,
        look.Envelope.Actor,
        names.GetValueOrDefault(look.Envelope.Actor ?? ""),
        JsonNamingPolicy.KebabCaseLower.ConvertName(((SensitiveRead)look.Data).What.ToString()));

    /// <summary>The recorded looks at this lead. The trail says where they stand; what it does not have yet, the end of the log does.</summary>
    private async Task<List<RecordedEvent>> Looks(Guid lead, long upTo, CancellationToken ct)
    {
        var streams = new HashSet<Guid>();
        var known = await ReachedByTrail(ct);
        if (known > 0)
        {
            await using var told = database.CreateCommand(
                """
                select t.stream_id from crm_read.audit_trail t
                where t.type = 'sensitive-read' and t.changes @> jsonb_build_array(jsonb_build_object('field', 'subjectId', 'to', $1::text))
                """);
            told.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lead.ToString("D") });
            await Add(streams, told, ct);
        }

        await using var since = database.CreateCommand(
            "select stream_id from crm.mt_events where seq_id > $1 and seq_id <= $2 and type = 'sensitive-read' and data ->> 'subjectId' = $3");
        since.Parameters.Add(new NpgsqlParameter<long> { TypedValue = known });
        since.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        since.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lead.ToString("D") });
        await Add(streams, since, ct);
        var looks = await log.ReadStreams([.. streams], ct);
        return [.. looks.Where(look => look.Data is SensitiveRead read && read.SubjectId == lead).OrderBy(static look => look.Position)];
    }

    private static async Task Add(HashSet<Guid> streams, NpgsqlCommand find, CancellationToken ct)
    {
        await using var reader = await find.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            streams.Add(reader.GetGuid(0));
        }
    }

    /// <summary>How far the audit trail has come; 0 before its first build.</summary>
    private async Task<long> ReachedByTrail(CancellationToken ct)
    {
        await using var find = database.CreateCommand("select position from crm.projections where name = 'audit_trail'");
        return (long?)await find.ExecuteScalarAsync(ct) ?? 0;
    }

    /// <summary>The names of the users who did any of this, or to whom the lead was given.</summary>
    private async Task<Dictionary<string, string>> Names(IEnumerable<RecordedEvent> events, CancellationToken ct)
    {
        var users = new HashSet<Guid>();
        foreach (var recorded in events)
        {
            if (Guid.TryParseExact(recorded.Envelope.Actor, "D", out var actor))
            {
                users.Add(actor);
            }

            if (recorded.Data is LeadEvent happened && LeadSentence.Of(happened).AgentId is { } agent)
            {
                users.Add(agent);
            }
        }

        return (await log.ReadStreams([.. users], ct)).GroupBy(static recorded => recorded.StreamId)
            .ToDictionary(
                static user => user.Key.ToString("D"),
                static user => User.Aggregate.Fold(user.Select(static recorded => recorded.Data).OfType<UserEvent>()).Name,
                StringComparer.Ordinal);
    }

    private async Task<long> Requests(Guid lead, CancellationToken ct)
    {
        await using var count = database.CreateCommand("select count(*) from crm.receipts where stream_id = $1");
        count.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead });
        return (long)(await count.ExecuteScalarAsync(ct) ?? 0L);
    }
}
