using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// A read model: a pure fold of each stream's events into a state, and the rows that each event adds.
/// Only event data as input: no clock, no other table. The same fold runs live and in a rebuild, so the two agree row for row.
/// </summary>
/// <remarks>
/// The unit is the stream: a state belongs to one stream, so an event that cannot be applied parks its stream and nothing else.
/// </remarks>
public abstract class Projection
{
    /// <summary>The name in checkpoints, routes and tables, such as <c>lead_board</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The version of the fold and its tables. A changed revision is rebuilt by itself at start.</summary>
    public abstract int Revision { get; }

    /// <summary>Whether it applies this event; every other event is passed over.</summary>
    public abstract bool Applies(object data);

    /// <summary>
    /// Whether an event makes what was folded of its stream before wrong, as an erasure does: the stream's rows are then deleted, and the
    /// stream is folded anew from the log, which reads otherwise now. Not for a projection with totals: sums are not taken back.
    /// </summary>
    public virtual bool Rewrites(object data) => false;

    /// <summary>Whether it has to look at an event: it applies it, or nobody can read it.</summary>
    internal bool Concerns(RecordedEvent recorded) => recorded.Data is UnreadableEvent || Applies(recorded.Data);

    /// <summary>The plain names of its tables, which are the names of the views that readers use.</summary>
    public IReadOnlyList<string> Tables => OfBuild(0).Names;

    /// <summary>The projection's tables under a build number, and how events are folded into them.</summary>
    internal abstract ProjectionBuild OfBuild(long build);

    /// <summary>The streams of which a build shows something else than a fold of their events; see <see cref="SampleCheck"/>.</summary>
    internal abstract Task<IReadOnlyCollection<Guid>> Differing(
        NpgsqlConnection connection, long build, IReadOnlyList<RecordedEvent> events, Guid[] streams, CancellationToken ct);

    /// <summary>The days of which a build's totals are not the sums of its entries; null where it keeps no totals.</summary>
    internal abstract Task<TotalsResult?> DifferingTotals(
        NpgsqlConnection connection, long build, long[] positions, int mostDays, CancellationToken ct);
}

/// <summary>A read model with a state of one row per stream and entries that are only ever added.</summary>
/// <typeparam name="TState">The state of one stream: what the fold must remember, or the read model's row itself.</typeparam>
/// <typeparam name="TEntry">A row that an event adds for good.</typeparam>
public abstract class Projection<TState, TEntry> : Projection
    where TState : class
    where TEntry : class
{
    /// <summary>Where the states stand; null when the fold remembers nothing between events.</summary>
    public abstract StateTable<TState>? States { get; }

    /// <summary>Where the entries stand; null when events add none.</summary>
    public abstract ReadTable<TEntry>? Entries { get; }

    /// <summary>The totals per day that the entries add up to; null when nobody sums them.</summary>
    public virtual DailyTotals<TEntry>? Totals => null;

    /// <summary>
    /// The state after an event, and the entries it adds. A null state deletes the row; the same reference leaves it unwritten.
    /// </summary>
    public abstract Evolution<TState, TEntry> Evolve(TState? state, RecordedEvent recorded);

    /// <inheritdoc/>
    internal sealed override ProjectionBuild OfBuild(long build) => new ProjectionBuild<TState, TEntry>(this, build);

    /// <inheritdoc/>
    internal sealed override Task<IReadOnlyCollection<Guid>> Differing(
        NpgsqlConnection connection, long build, IReadOnlyList<RecordedEvent> events, Guid[] streams, CancellationToken ct) =>
        new SampleComparison<TState, TEntry>(this, build).Differing(connection, events, streams, ct);

    /// <inheritdoc/>
    internal sealed override async Task<TotalsResult?> DifferingTotals(
        NpgsqlConnection connection, long build, long[] positions, int mostDays, CancellationToken ct) =>
        Totals is { } totals && Entries is { } entries
            ? await new TotalsComparison<TEntry>(totals, entries, OfBuild(build)).Run(connection, positions, mostDays, ct)
            : null;
}

/// <summary>What an event makes of a read model.</summary>
/// <param name="State">The stream's state after it; null deletes the row.</param>
/// <param name="Entries">The rows it adds.</param>
public readonly record struct Evolution<TState, TEntry>(TState? State, IReadOnlyList<TEntry> Entries)
    where TState : class
    where TEntry : class;

/// <summary>The entry type of a projection that adds none.</summary>
public sealed record NoEntry;

/// <summary>The state type of a projection that remembers nothing between events.</summary>
public sealed record NoState;
