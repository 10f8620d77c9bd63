using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What the sources' ledger remembers of a lead.</summary>
public sealed record SourcesMemory : Memory
{
    /// <summary>The source; null where none is known.</summary>
    public required string? Source { get; init; }

    /// <summary>The lead's value.</summary>
    public required Money? Value { get; init; }

    /// <summary>The status.</summary>
    public required LeadStatus Status { get; init; }

    /// <summary>Whether the lead has ever been contacted.</summary>
    public required bool WasContacted { get; init; }

    /// <summary>Whether the lead has ever been qualified.</summary>
    public required bool WasQualified { get; init; }
}

/// <summary>
/// What becomes of the leads of each source. Measures, each lead counting once: <c>captured</c> (with its value), <c>contacted</c> and
/// <c>qualified</c> (ever), <c>converted</c> (with its value; taken back when the conversion is) and <c>disqualified</c> (taken back
/// when it is reopened). Another source or value of a lead moves all that it counts for.
/// </summary>
/// <remarks>Archived leads stay counted: what a source brought does not change by putting leads away.</remarks>
public sealed partial class Sources() : Ledger<SourcesMemory>("sources", withDurations: false)
{
    /// <summary>The label of the line of leads without a source.</summary>
    public const string None = "none";

    /// <inheritdoc/>
    public override int Revision => 1;

    /// <inheritdoc/>
    public override StateTable<SourcesMemory>? States { get; } = MemoryTable(
        "sources_leads",
        [
            ReadTable<SourcesMemory>.Column("source", "text", NpgsqlDbType.Text, memory => memory.Source),
            ReadTable<SourcesMemory>.Column<decimal?>("value_amount", "numeric", NpgsqlDbType.Numeric, memory => memory.Value?.Amount),
            ReadTable<SourcesMemory>.Column("value_currency", "text", NpgsqlDbType.Text, memory => memory.Value?.Currency),
            ReadTable<SourcesMemory>.Column("status", "text not null", NpgsqlDbType.Text, memory => Words.Of(memory.Status)),
            ReadTable<SourcesMemory>.Column("was_contacted", "boolean not null", NpgsqlDbType.Boolean, memory => memory.WasContacted),
            ReadTable<SourcesMemory>.Column("was_qualified", "boolean not null", NpgsqlDbType.Boolean, memory => memory.WasQualified),
        ],
        reader => new SourcesMemory
        {
            StreamId = reader.GetGuid(0),
            At = reader.GetFieldValue<DateTimeOffset>(1),
            Source = reader.IsDBNull(2) ? null : reader.GetString(2),
            Value = reader.IsDBNull(3) ? null : new Money(reader.GetDecimal(3), reader.GetString(4)),
            Status = Words.Status(reader.GetString(5)),
            WasContacted = reader.GetBoolean(6),
            WasQualified = reader.GetBoolean(7),
        });

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadCaptured or LeadValueChanged or LeadSourceChanged
        or LeadContacted or LeadQualified
        or LeadDisqualified or LeadReopened or LeadConverted or LeadUnconverted or LeadRestored
        or LeadChangesReversed;

    /// <inheritdoc/>
    protected override SourcesMemory? Remember(SourcesMemory? memory, RecordedEvent recorded, FactList facts)
    {
        if (recorded.Data is not LeadEvent happened)
        {
            return null;
        }

        // A reopened lead is new or contacted; which of the two does not matter here.
        var lead = Lead.Evolve(
            new Lead
            {
                Status = memory?.Status ?? LeadStatus.Missing,
                Details = LeadDetails.Unknown with { Source = memory?.Source, Value = memory?.Value },
            },
            happened);
        var after = new SourcesMemory
        {
            StreamId = recorded.StreamId,
            At = memory?.At ?? facts.At,
            Source = lead.Details.Source,
            Value = lead.Details.Value,
            Status = lead.Status,
            WasContacted = memory is { WasContacted: true } || lead.Status == LeadStatus.Contacted,
            WasQualified = memory is { WasQualified: true } || lead.Status == LeadStatus.Qualified,
        };
        var standings = new List<Standing>(10);
        if (memory is not null)
        {
            CountsFor(memory, -1, standings);
        }

        CountsFor(after, 1, standings);
        facts.Move(standings);
        return after;
    }

    private static void CountsFor(SourcesMemory lead, int sign, List<Standing> standings)
    {
        var source = lead.Source ?? "";
        standings.Add(new Standing("captured", source, lead.Value, sign));
        void Where(bool holds, string measure, Money? value = null)
        {
            if (holds)
            {
                standings.Add(new Standing(measure, source, value, sign));
            }
        }

        Where(lead.WasContacted, "contacted");
        Where(lead.WasQualified, "qualified");
        Where(lead.Status == LeadStatus.Converted, "converted", lead.Value);
        Where(lead.Status == LeadStatus.Disqualified, "disqualified");
    }
}
