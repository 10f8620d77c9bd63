using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>One event of a lead, told to people.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Version">The event's version in the lead's stream.</param>
/// <param name="Position">Its position in the log.</param>
/// <param name="At">When it happened.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="Type">Its stored name.</param>
/// <param name="Sentence">What happened; <see cref="LeadTimeline.AgentPlace"/> stands where the agent's name belongs.</param>
/// <param name="AgentId">The agent that the sentence names; null where it names none.</param>
/// <param name="IsErased">Whether what it told of the person is erased.</param>
public sealed record TimelineEntry(
    Guid LeadId, long Version, long Position, DateTimeOffset At, string? Actor, string Type, string Sentence, Guid? AgentId, bool IsErased);

/// <summary>What happened to each lead, one sentence an event. Names of agents are filled in when it is read, as they are then.</summary>
public sealed partial class LeadTimeline : Projection<NoState, TimelineEntry>
{
    /// <summary>Stands in a sentence where the agent's name belongs, before anything that people wrote.</summary>
    public const string AgentPlace = "{agent}";

    /// <inheritdoc/>
    public override string Name => "lead_timeline";

    /// <inheritdoc/>
    public override int Revision => 2;

    /// <inheritdoc/>
    public override StateTable<NoState>? States => null;

    /// <inheritdoc/>
    public override ReadTable<TimelineEntry>? Entries { get; } = new()
    {
        Name = "lead_timeline",
        Columns =
        [
            ReadTable<TimelineEntry>.Column("lead_id", "uuid not null", NpgsqlDbType.Uuid, entry => entry.LeadId),
            ReadTable<TimelineEntry>.Column("version", "bigint not null", NpgsqlDbType.Bigint, entry => entry.Version),
            ReadTable<TimelineEntry>.Column("position", "bigint not null", NpgsqlDbType.Bigint, entry => entry.Position),
            ReadTable<TimelineEntry>.Column("at", "timestamptz not null", NpgsqlDbType.TimestampTz, entry => entry.At),
            ReadTable<TimelineEntry>.Column("actor", "text", NpgsqlDbType.Text, entry => entry.Actor),
            ReadTable<TimelineEntry>.Column("type", "text not null", NpgsqlDbType.Text, entry => entry.Type),
            ReadTable<TimelineEntry>.Column("sentence", "text not null", NpgsqlDbType.Text, entry => entry.Sentence),
            ReadTable<TimelineEntry>.Column<Guid?>("agent_id", "uuid", NpgsqlDbType.Uuid, entry => entry.AgentId),
            ReadTable<TimelineEntry>.Column("is_erased", "boolean not null", NpgsqlDbType.Boolean, entry => entry.IsErased),
        ],
        PrimaryKey = "lead_id, version",
        StreamColumn = "lead_id",
    };

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    public override bool Rewrites(object data) => data is LeadErased;

    /// <inheritdoc/>
    public override Evolution<NoState, TimelineEntry> Evolve(NoState? state, RecordedEvent recorded)
    {
        if (recorded.Data is not LeadEvent happened)
        {
            return new Evolution<NoState, TimelineEntry>(null, []);
        }

        var (sentence, agent) = LeadSentence.Of(happened, recorded.IsErased);
        var entry = new TimelineEntry(
            recorded.StreamId,
            recorded.Version,
            recorded.Position,
            Times.ToMicroseconds(recorded.At),
            recorded.Envelope.Actor,
            recorded.Type,
            sentence,
            agent,
            recorded.IsErased);
        return new Evolution<NoState, TimelineEntry>(null, [entry]);
    }
}
