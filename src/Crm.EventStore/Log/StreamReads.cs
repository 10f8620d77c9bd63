using Crm.EventStore.Sealing;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>
/// Reads whole streams for commands. Whatever streams are asked for at the same moment come in one query, as the writer's commands go in
/// one transaction: loading is the greater part of a command's work. A lone read waits for nobody.
/// </summary>
internal sealed partial class StreamReads : IAsyncDisposable
{
    // A longer stream is read on by whoever wants it, so that it does not hold up the others.
    private const int MostEvents = 1_000;
    private const int MostStreams = 256;

    public const string Sql =
        """
        select s.place, e.seq_id, e.type, e.timestamp, e.data, e.version,
            case when e.version = 1 then k.wrapped end, case when e.version = 1 then k.master_key end
        from unnest($1) with ordinality as s(id, place)
        left join lateral (select wrapped, master_key from crm.subject_keys where stream_id = s.id offset 0) k on true
        cross join lateral (
            select seq_id, type, timestamp, data, version from crm.mt_events where stream_id = s.id order by version limit 1000) e
        """;

    private readonly LogReader reader;
    private readonly EventCatalog catalog;
    private readonly MasterKeys masters;
    private readonly EventLogOptions options;
    private readonly ILogger logger;
    private readonly Inbox<Wanted> inbox = new();
    private readonly OwnConnection connection;
    private readonly List<Guid> ids = [];
    private readonly Dictionary<Guid, Found> found = [];
    private readonly List<Found> inOrder = [];
    private readonly NpgsqlCommand command = new(Sql);
    private readonly Task loop;

    public StreamReads(
        NpgsqlDataSource database, EventCatalog catalog, MasterKeys masters, LogReader reader, EventLogOptions options, ILogger logger)
    {
        this.reader = reader;
        this.catalog = catalog;
        this.masters = masters;
        this.options = options;
        this.logger = logger;
        command.Parameters.Add(new NpgsqlParameter<List<Guid>> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        connection = new OwnConnection(database, options, Prepare);
        loop = Task.Factory.StartNew(Loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>All events of a stream in order of version, and its key; opened and decoded on the way of whoever asked.</summary>
    public async Task<StreamHistory> Read(Guid stream, CancellationToken ct)
    {
        var wanted = new Wanted(stream);
        inbox.Put(wanted);
        var stored = await wanted.Stored.Task.WaitAsync(ct);
        var events = new List<StreamEvent>(stored.Events.Count);
        Decode(stream, stored, events);

        if (events.Count == MostEvents)
        {
            var more = await reader.ReadStream(stream, MostEvents + 1, long.MaxValue, ct);
            events.AddRange(more.Select(static recorded => new StreamEvent(recorded.Position, recorded.At, recorded.Data)));
        }

        return events.Count == 0 ? StreamHistory.Empty : new StreamHistory(events, stored.Key);
    }

    /// <summary>Finishes what was asked for, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        inbox.Close();
        await loop;
        connection.Dispose();
        await command.DisposeAsync();
    }

    private void Decode(Guid stream, Found stored, List<StreamEvent> events)
    {
        using var opening = new EventOpening(catalog, masters);
        foreach (var one in stored.Events)
        {
            // What is erased tells a decision nothing; the events say themselves that they were.
            var erased = false;
            var data = opening.Data(new SealedPlace(stream, one.Version, one.Type), stored.Key, one.Data, ref erased);
            events.Add(new StreamEvent(one.Position, one.At, data));
        }
    }

    private void Loop()
    {
        while (inbox.Take(wait: true) is { Count: > 0 } waiting)
        {
            for (var first = 0; first < waiting.Count; first += MostStreams)
            {
                Serve(waiting.GetRange(first, Math.Min(MostStreams, waiting.Count - first)));
            }

            // As in the writer: those who were just answered may ask for the next together.
            Thread.Yield();
        }
    }

    private void Serve(List<Wanted> together)
    {
        // Once more on another connection: a read changes nothing.
        if ((TryRead(together) ?? TryRead(together)) is { } fault)
        {
            LogFailed(logger, together.Count, fault.Message);
            var unavailable = LogUnavailableException.OnReading(fault);
            together.ForEach(wanted => wanted.Stored.TrySetException(unavailable));
            return;
        }

        together.ForEach(wanted => wanted.Stored.TrySetResult(found[wanted.Stream]));
    }

    private Exception? TryRead(List<Wanted> together)
    {
        try
        {
            if (connection.Ensure(options.CommandDeadline) is { } unreachable)
            {
                return unreachable;
            }

            ids.Clear();
            found.Clear();
            inOrder.Clear();
            foreach (var wanted in together)
            {
                if (!found.ContainsKey(wanted.Stream))
                {
                    ids.Add(wanted.Stream);
                    inOrder.Add(new Found());
                    found.Add(wanted.Stream, inOrder[^1]);
                }
            }

            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                inOrder[(int)rows.GetInt64(0) - 1].Add(rows, catalog);
            }

            return null;
        }
        catch (Exception fault)
        {
            // Whatever it is, those who asked must hear of it, and the loop goes on.
            connection.Drop();
            return fault;
        }
    }

    private void Prepare(NpgsqlConnection opened)
    {
        command.Connection = opened;
        command.CommandTimeout = (int)Math.Ceiling(options.StatementTimeout.TotalSeconds);
        command.Prepare();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Streams} streams could not be read: {Reason}")]
    private static partial void LogFailed(ILogger logger, int streams, string reason);

    private readonly record struct Stored(long Position, string Type, DateTimeOffset At, byte[] Data, long Version);

    private sealed class Found
    {
        public List<Stored> Events { get; } = [];

        public SubjectKey Key { get; private set; } = SubjectKey.None;

        // The key comes with the first event.
        public void Add(NpgsqlDataReader row, EventCatalog catalog)
        {
            if (Events.Count == 0)
            {
                Key = SubjectKeys.Read(row, 6);
            }

            Events.Add(new Stored(
                row.GetInt64(1), catalog.OneCopy(row.GetString(2)), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<byte[]>(4),
                row.GetInt64(5)));
        }
    }

    private sealed record Wanted(Guid Stream)
    {
        public TaskCompletionSource<Found> Stored { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
