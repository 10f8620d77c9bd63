using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What the response times' ledger remembers of a lead.</summary>
public sealed record ResponseMemory : Memory
{
    /// <summary>When the lead was captured.</summary>
    public required DateTimeOffset CapturedAt { get; init; }

    /// <summary>The kinds of activity by which we have reached out, joined by <c>+</c>; empty before the first.</summary>
    public required string Kinds { get; init; }
}

/// <summary>
/// How long leads wait for us: from capture to when the first outward activity took place, and for each kind to the first outward one
/// of that kind. Measures: <c>captured</c>, <c>first</c> (any kind), <c>first-of-kind</c>; the amounts of the last two are seconds.
/// </summary>
/// <remarks>
/// Archived leads stay counted. An activity that took place before the capture counts as no wait at all; which one was first goes by the
/// order in which they were logged.
/// </remarks>
public sealed partial class ResponseTimes() : Ledger<ResponseMemory>("response_times", withDurations: true)
{
    /// <inheritdoc/>
    public override int Revision => 2;

    /// <inheritdoc/>
    public override StateTable<ResponseMemory>? States { get; } = MemoryTable(
        "response_times_leads",
        [
            ReadTable<ResponseMemory>.Column("captured_at", "timestamptz not null", NpgsqlDbType.TimestampTz, memory => memory.CapturedAt),
            ReadTable<ResponseMemory>.Column("kinds", "text not null", NpgsqlDbType.Text, memory => memory.Kinds),
        ],
        reader => new ResponseMemory
        {
            StreamId = reader.GetGuid(0),
            At = reader.GetFieldValue<DateTimeOffset>(1),
            CapturedAt = reader.GetFieldValue<DateTimeOffset>(2),
            Kinds = reader.GetString(3),
        });

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadCaptured or LeadActivityLogged { Direction: ActivityDirection.Out };

    /// <inheritdoc/>
    protected override ResponseMemory? Remember(ResponseMemory? memory, RecordedEvent recorded, FactList facts) => recorded.Data switch
    {
        LeadCaptured => Captured(recorded, facts),
        LeadActivityLogged { Direction: ActivityDirection.Out } activity when memory is not null => ReachedOut(memory, activity, facts),
        _ => null,
    };

    private static ResponseMemory Captured(RecordedEvent recorded, FactList facts)
    {
        facts.Add("captured");
        var at = Times.ToMicroseconds(recorded.At);
        return new ResponseMemory { StreamId = recorded.StreamId, At = facts.At, CapturedAt = at, Kinds = "" };
    }

    private static ResponseMemory? ReachedOut(ResponseMemory memory, LeadActivityLogged activity, FactList facts)
    {
        var kind = Words.Of(activity.Kind);
        if (memory.Kinds.Split('+').Contains(kind, StringComparer.Ordinal))
        {
            return null;
        }

        var waited = Times.MicrosBetween(memory.CapturedAt, Times.ToMicroseconds(activity.At));
        if (memory.Kinds.Length == 0)
        {
            facts.AddDuration("first", "", waited);
        }

        facts.AddDuration("first-of-kind", kind, waited);
        return memory with { Kinds = memory.Kinds.Length == 0 ? kind : $"{memory.Kinds}+{kind}" };
    }
}
