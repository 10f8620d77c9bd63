using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What a ledger must remember of a stream between events.</summary>
public abstract record Memory
{
    /// <summary>The stream.</summary>
    public required Guid StreamId { get; init; }

    /// <summary>The time of its last fact, which no later one precedes.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The columns that every memory begins with.</summary>
    public static IReadOnlyList<Column<TMemory>> Columns<TMemory>()
        where TMemory : Memory =>
    [
        ReadTable<TMemory>.Column("stream_id", "uuid not null", NpgsqlDbType.Uuid, memory => memory.StreamId),
        ReadTable<TMemory>.Column("at", "timestamptz not null", NpgsqlDbType.TimestampTz, memory => memory.At),
    ];
}

/// <summary>
/// A projection for reports: each event adds signed facts, and totals per day are kept beside them, so that a report at any moment is
/// a sum of few rows.
/// </summary>
/// <remarks>
/// A fact's time is the event's own, or that of the stream's last fact in this ledger where that is later: figures as of a time never
/// show a stream's later fact without the earlier one. Only in a history recorded out of order does a ledger therefore date a fact
/// otherwise than the lead's own history, which also counts the events between that this ledger has no use for.
/// </remarks>
/// <typeparam name="TMemory">What it remembers of a stream; small, since it is read and written for each event that changes it.</typeparam>
public abstract class Ledger<TMemory> : Projection<TMemory, Fact>
    where TMemory : Memory
{
    private readonly DailyTotals<Fact> totals;

    /// <summary>Names the ledger's tables <c>…_facts</c> and <c>…_totals</c>.</summary>
    protected Ledger(string name, bool withDurations)
    {
        Name = name;
        Entries = Fact.Table($"{name}_facts", withDurations);
        totals = Fact.TotalsTable($"{name}_totals");
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override ReadTable<Fact>? Entries { get; }

    /// <inheritdoc/>
    public override DailyTotals<Fact>? Totals => totals;

    /// <inheritdoc/>
    public sealed override Evolution<TMemory, Fact> Evolve(TMemory? state, RecordedEvent recorded)
    {
        var at = Times.Later(state?.At, Times.ToMicroseconds(recorded.At));
        var facts = new FactList(recorded, at);
        var after = Remember(state, recorded, facts);
        return after is null || (facts.Facts is [] && state is not null && after == state)
            ? new Evolution<TMemory, Fact>(state, facts.Facts)
            : new Evolution<TMemory, Fact>(after with { At = at }, facts.Facts);
    }

    /// <summary>What is remembered after an event, and the facts that it adds. Null leaves the memory as it is.</summary>
    protected abstract TMemory? Remember(TMemory? memory, RecordedEvent recorded, FactList facts);

    /// <summary>The table of what is remembered.</summary>
    /// <param name="name">Its plain name.</param>
    /// <param name="columns">The columns after those that every memory begins with.</param>
    /// <param name="read">Reads a row.</param>
    protected static StateTable<TMemory> MemoryTable(
        string name, IReadOnlyList<Column<TMemory>> columns, Func<Npgsql.NpgsqlDataReader, TMemory> read) => new()
        {
            Name = name,
            Columns = [.. Memory.Columns<TMemory>(), .. columns],
            PrimaryKey = "stream_id",
            StreamColumn = "stream_id",
            StreamOf = memory => memory.StreamId,
            Read = read,
        };
}
