using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>A row that was not taken.</summary>
/// <param name="Row">The row.</param>
/// <param name="Why">Why not, in words.</param>
internal sealed record RejectedRow(ImportRow Row, string Why);

/// <summary>What a number of rows, taken together, bring to the log: one append, all or nothing.</summary>
internal sealed class RowBatch
{
    private readonly Dictionary<Guid, (StreamAppend Append, List<NewEvent> Events)> streams = [];
    private readonly List<UniqueKey> claims = [];

    /// <summary>What became of the rows.</summary>
    public ImportTally Tally { get; } = new();

    /// <summary>The rows that were not taken.</summary>
    public List<RejectedRow> Rejected { get; } = [];

    /// <summary>How many events there are.</summary>
    public int EventCount { get; private set; }

    /// <summary>Appends an event to a lead.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="type">The stream's type.</param>
    /// <param name="version">The stream's version before the event.</param>
    /// <param name="happened">The event.</param>
    public void Append(Guid stream, string type, long version, NewEvent happened)
    {
        if (!streams.TryGetValue(stream, out var append))
        {
            var events = new List<NewEvent>();
            append = (new StreamAppend(stream, type, version, events), events);
            streams.Add(stream, append);
        }

        append.Events.Add(happened);
        EventCount++;
    }

    /// <summary>Begins a stream that claims a key.</summary>
    public void Begin(StreamAppend append, UniqueKey claim)
    {
        streams.Add(append.StreamId, (append, [.. append.Events]));
        claims.Add(claim);
        EventCount += append.Events.Count;
    }

    /// <summary>Claims a key for a stream.</summary>
    public void Claim(UniqueKey key) => claims.Add(key);

    /// <summary>Does not take a row.</summary>
    public void Reject(ImportRow row, string why)
    {
        Rejected.Add(new RejectedRow(row, why));
        Tally.Rejected++;
    }

    /// <summary>The append of it all.</summary>
    public AppendCommand ToCommand(Envelope envelope, Bookmark bookmark) =>
        new([.. streams.Values.Select(static stream => stream.Append)], envelope) { Claims = claims, Bookmark = bookmark };
}

/// <summary>Turns rows into events: the two kinds of import differ in this only.</summary>
internal interface IRowPlanner
{
    /// <summary>The source's name.</summary>
    string Source { get; }

    /// <summary>Loads what the rows need to know.</summary>
    Task Load(IReadOnlyList<ImportRow> rows, CancellationToken ct);

    /// <summary>Takes one row into the batch.</summary>
    void Plan(ImportRow row, RowBatch batch);

    /// <summary>Adds what the batch needs besides its rows.</summary>
    void Complete(RowBatch batch);

    /// <summary>Forgets what was expected of the log: it did not come true.</summary>
    void Forget();
}
