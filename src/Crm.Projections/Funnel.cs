using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What the funnel remembers of a lead.</summary>
public sealed record FunnelMemory : Memory
{
    /// <summary>The status.</summary>
    public required LeadStatus Status { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset EnteredAt { get; init; }

    /// <summary>Whether the lead is archived.</summary>
    public required bool IsArchived { get; init; }

    /// <summary>The lead's value.</summary>
    public required Money? Value { get; init; }

    /// <summary>The statuses that the lead has stood in, apart from converted, joined by <c>+</c>.</summary>
    public required string Passed { get; init; }

    /// <summary>Whether we have reached out: what a reopened lead's status depends on.</summary>
    public required bool ReachedOut { get; init; }
}

/// <summary>
/// The funnel: how leads go from status to status, how many stand where and with what value, and how long they stay.
/// Measures: <c>entered</c> and <c>left</c> per status (with the lead's value; leaving with how long it stayed),
/// <c>adjusted</c> (what changes the number or value of leads in a status without entering or leaving: archived, unarchived, another
/// value), <c>onward</c> (conversions, by the statuses passed).
/// </summary>
/// <remarks>
/// Archived leads do not count as standing in a status; what they entered, left and converted before stays counted.
/// </remarks>
public sealed partial class Funnel() : Ledger<FunnelMemory>("funnel", withDurations: true)
{
    /// <inheritdoc/>
    public override int Revision => 3;

    /// <inheritdoc/>
    public override StateTable<FunnelMemory>? States { get; } = MemoryTable(
        "funnel_leads",
        [
            ReadTable<FunnelMemory>.Column("status", "text not null", NpgsqlDbType.Text, memory => Words.Of(memory.Status)),
            ReadTable<FunnelMemory>.Column("entered_at", "timestamptz not null", NpgsqlDbType.TimestampTz, memory => memory.EnteredAt),
            ReadTable<FunnelMemory>.Column("is_archived", "boolean not null", NpgsqlDbType.Boolean, memory => memory.IsArchived),
            ReadTable<FunnelMemory>.Column<decimal?>("value_amount", "numeric", NpgsqlDbType.Numeric, memory => memory.Value?.Amount),
            ReadTable<FunnelMemory>.Column("value_currency", "text", NpgsqlDbType.Text, memory => memory.Value?.Currency),
            ReadTable<FunnelMemory>.Column("passed", "text not null", NpgsqlDbType.Text, memory => memory.Passed),
            ReadTable<FunnelMemory>.Column("reached_out", "boolean not null", NpgsqlDbType.Boolean, memory => memory.ReachedOut),
        ],
        reader => new FunnelMemory
        {
            StreamId = reader.GetGuid(0),
            At = reader.GetFieldValue<DateTimeOffset>(1),
            Status = Words.Status(reader.GetString(2)),
            EnteredAt = reader.GetFieldValue<DateTimeOffset>(3),
            IsArchived = reader.GetBoolean(4),
            Value = reader.IsDBNull(5) ? null : new Money(reader.GetDecimal(5), reader.GetString(6)),
            Passed = reader.GetString(7),
            ReachedOut = reader.GetBoolean(8),
        });

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    protected override FunnelMemory? Remember(FunnelMemory? memory, RecordedEvent recorded, FactList facts)
    {
        if (recorded.Data is not LeadEvent happened)
        {
            return null;
        }

        var before = LeadOf(memory);
        var after = Lead.Evolve(before, happened);
        var moves = after.Status != before.Status;
        var passed = memory?.Passed ?? "";
        var adjustments = new List<Standing>(4);
        if (moves)
        {
            if (memory is not null)
            {
                var stayed = Times.MicrosBetween(memory.EnteredAt, facts.At);
                facts.Add("left", Words.Of(before.Status), value: before.Details.Value, micros: stayed);
                adjustments.Add(new Standing("adjusted", Words.Of(before.Status), before.Details.Value));
            }

            facts.Add("entered", Words.Of(after.Status), value: after.Details.Value);
            adjustments.Add(new Standing("adjusted", Words.Of(after.Status), after.Details.Value, -1));
            if (LeadStatus.Converted == before.Status || LeadStatus.Converted == after.Status)
            {
                facts.Add("onward", passed, count: after.Status == LeadStatus.Converted ? 1 : -1);
            }
        }

        StandsIn(before, -1, adjustments);
        StandsIn(after, 1, adjustments);
        facts.Move(adjustments);
        return new FunnelMemory
        {
            StreamId = recorded.StreamId,
            At = memory?.At ?? facts.At,
            Status = after.Status,
            EnteredAt = moves || memory is null ? facts.At : memory.EnteredAt,
            IsArchived = after.IsArchived,
            Value = after.Details.Value,
            Passed = Passing(passed, after.Status),
            ReachedOut = after.Engagement.Outward > 0,
        };
    }

    private static Lead LeadOf(FunnelMemory? memory) => memory is null
        ? Lead.Initial
        : new Lead
        {
            Status = memory.Status,
            IsArchived = memory.IsArchived,
            Details = LeadDetails.Unknown with { Value = memory.Value },
            Engagement = new Engagement(0, memory.ReachedOut ? 1 : 0, 0),
        };

    private static void StandsIn(Lead lead, int sign, List<Standing> standings)
    {
        if (lead.Status != LeadStatus.Missing && !lead.IsArchived)
        {
            standings.Add(new Standing("adjusted", Words.Of(lead.Status), lead.Details.Value, sign));
        }
    }

    private static string Passing(string passed, LeadStatus status)
    {
        var word = Words.Of(status);
        return status is LeadStatus.Missing or LeadStatus.Converted || passed.Split('+').Contains(word, StringComparer.Ordinal)
            ? passed
            : passed.Length == 0 ? word : $"{passed}+{word}";
    }
}
