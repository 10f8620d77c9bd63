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
        select s.place, e.* from unnest($1) with ordinality as s(id, place)
        cross join lateral (
            select seq_id, type, timestamp, data from crm.mt_events where stream_id = s.id order by version limit 1000) e
        """;

    private readonly LogReader reader;
    private readonly EventCatalog catalog;
    private readonly EventLogOptions options;
    private readonly ILogger logger;
    private readonly Inbox<Wanted> inbox = new();
    private readonly OwnConnection connection;
    private readonly List<Guid> ids = [];
    private readonly Dictionary<Guid, List<Stored>> found = [];
    private readonly List<List<Stored>> inOrder = [];
    private readonly NpgsqlCommand command = new(Sql);
    private readonly Task loop;

    public StreamReads(NpgsqlDataSource database, EventCatalog catalog, LogReader reader, EventLogOptions options, ILogger logger)
    {
        this.reader = reader;
        this.catalog = catalog;
        this.options = options;
        this.logger = logger;
        command.Parameters.Add(new NpgsqlParameter<List<Guid>> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        connection = new OwnConnection(database, options, Prepare);
        loop = Task.Factory.StartNew(Loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>All events of a stream in order of version; decoded on the way of whoever asked.</summary>
    public async Task<List<StreamEvent>> Read(Guid stream, CancellationToken ct)
    {
        var wanted = new Wanted(stream);
        inbox.Put(wanted);
        var stored = await wanted.Events.Task.WaitAsync(ct);
        var events = new List<StreamEvent>(stored.Count);
        foreach (var one in stored)
        {
            events.Add(new StreamEvent(one.Position, one.At, catalog.Deserialize(one.Type, one.Data)));
        }

        if (events.Count == MostEvents)
        {
            var more = await reader.ReadStream(stream, MostEvents + 1, long.MaxValue, ct);
            events.AddRange(more.Select(static recorded => new StreamEvent(recorded.Position, recorded.At, recorded.Data)));
        }

        return events;
    }

    /// <summary>Finishes what was asked for, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        inbox.Close();
        await loop;
        connection.Dispose();
        await command.DisposeAsync();
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
            together.ForEach(wanted => wanted.Events.TrySetException(unavailable));
            return;
        }

        together.ForEach(wanted => wanted.Events.TrySetResult(found[wanted.Stream]));
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
                    inOrder.Add([]);
                    found.Add(wanted.Stream, inOrder[^1]);
                }
            }

            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                inOrder[(int)rows.GetInt64(0) - 1].Add(new Stored(
                    rows.GetInt64(1), catalog.OneCopy(rows.GetString(2)), rows.GetFieldValue<DateTimeOffset>(3), rows.GetFieldValue<byte[]>(4)));
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

    private readonly record struct Stored(long Position, string Type, DateTimeOffset At, byte[] Data);

    private sealed record Wanted(Guid Stream)
    {
        public TaskCompletionSource<List<Stored>> Events { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
