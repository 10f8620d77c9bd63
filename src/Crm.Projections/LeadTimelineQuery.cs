using Npgsql;

namespace Crm.Projections;

/// <summary>One line of a lead's timeline.</summary>
/// <param name="Position">The event's position in the log.</param>
/// <param name="Version">Its version in the lead's stream.</param>
/// <param name="Type">Its stored name.</param>
/// <param name="At">When it happened.</param>
/// <param name="Actor">Who did it, as recorded.</param>
/// <param name="ActorName">The actor's name where the actor is a user.</param>
/// <param name="Sentence">What happened.</param>
/// <param name="Erased">Whether what it told of the person is erased.</param>
public sealed record TimelineLine(
    long Position, long Version, string Type, DateTimeOffset At, string? Actor, string? ActorName, string Sentence, bool Erased);

public sealed partial class LeadTimeline
{
    /// <summary>A lead's timeline in order, from after a version on, at most so many lines.</summary>
    public static async Task<IReadOnlyList<TimelineLine>> Of(
        NpgsqlDataSource database, Guid leadId, CancellationToken ct, long afterVersion = 0, int limit = 1_000)
    {
        await using var command = database.CreateCommand(
            """
            select line.position, line.version, line.type, line.at, line.actor, actor.name, line.sentence, line.agent_id, agent.name,
                line.is_erased
            from (select position, version, type, at, actor, sentence, agent_id, is_erased from crm_read.lead_timeline
                where lead_id = $1 and version > $2 order by version limit $3) as line
            left join crm_read.agents_streams agent on agent.stream_id = line.agent_id
            left join crm_read.agents_streams actor on actor.stream_id = case
                when line.actor ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then line.actor::uuid end
            order by line.version
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = leadId });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = afterVersion });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var lines = new List<TimelineLine>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var sentence = reader.GetString(6);
            lines.Add(new TimelineLine(
                reader.GetInt64(0),
                reader.GetInt64(1),
                reader.GetString(2),
                reader.GetFieldValue<DateTimeOffset>(3),
                reader.IsDBNull(4) ? null : reader.GetString(4),
                reader.IsDBNull(5) ? null : reader.GetString(5),
                reader.IsDBNull(7) ? sentence : Named(sentence, reader.IsDBNull(8) ? null : reader.GetString(8)),
                reader.GetBoolean(9)));
        }

        return lines;
    }

    private static string Named(string sentence, string? agent)
    {
        var place = sentence.IndexOf(AgentPlace, StringComparison.Ordinal);
        return place < 0 ? sentence : $"{sentence[..place]}{agent ?? "an unknown agent"}{sentence[(place + AgentPlace.Length)..]}";
    }
}
