using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>An event as it goes to the database.</summary>
internal readonly record struct EncodedEvent(
    Guid Stream, long Version, NewEvent Event, EventCatalog.Entry Entry, byte[] Json, Envelope Envelope, string Headers);

/// <summary>A command that waits for its outcome; encoded on the thread of whoever sent it, so that the writer only copies.</summary>
internal sealed class PendingAppend
{
    private readonly TaskCompletionSource<AppendOutcome> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int taken;

    private PendingAppend(AppendCommand command, EncodedEvent[] events, IReadOnlyList<NewSubjectKey> keys, int bytes, long deadline)
    {
        Command = command;
        Events = events;
        Keys = keys;
        Bytes = bytes;
        Deadline = deadline;
    }

    public AppendCommand Command { get; }

    public EncodedEvent[] Events { get; }

    /// <summary>The keys of its streams that seal their first event in it.</summary>
    public IReadOnlyList<NewSubjectKey> Keys { get; }

    /// <summary>How much JSON the events are.</summary>
    public int Bytes { get; }

    /// <summary>The timestamp (of the writer's clock) after which it is given up.</summary>
    public long Deadline { get; }

    /// <summary>A batch with this command failed as a whole: it goes by itself, to find out whose fault that was.</summary>
    public bool Alone { get; set; }

    /// <summary>A connection was lost with this command under way: it may be in the log already.</summary>
    public bool Uncertain { get; set; }

    /// <summary>What it last had to wait for.</summary>
    public Exception? Obstacle { get; set; }

    public Task<AppendOutcome> Outcome => outcome.Task;

    /// <summary>Encodes a command, its personal data sealed, and refuses what the database could not store.</summary>
    /// <param name="command">The command.</param>
    /// <param name="catalog">The event types.</param>
    /// <param name="masters">The master keys.</param>
    /// <param name="fetched">The keys of streams which the command does not bring itself.</param>
    /// <param name="deadline">When it is given up.</param>
    /// <exception cref="ArgumentException">Text that cannot be stored, or a command that contradicts itself.</exception>
    /// <exception cref="SubjectErasedException">Personal data for a stream that is erased.</exception>
    public static PendingAppend Encode(
        AppendCommand command, EventCatalog catalog, MasterKeys masters, Dictionary<Guid, SubjectKey>? fetched, long deadline)
    {
        CheckKeys(command);
        var count = 0;
        foreach (var stream in command.Streams)
        {
            StorableText.Check(stream.StreamType, "stream type");
            if (stream.ExpectedVersion < 0)
            {
                throw new ArgumentException("An expected version is negative.", nameof(command));
            }

            count += stream.Events.Count;
        }

        var encoding = new CommandEncoding(command, catalog, masters, new EncodedEvent[count]);
        foreach (var stream in command.Streams)
        {
            encoding.Add(stream, fetched?.GetValueOrDefault(stream.StreamId));
        }

        return new PendingAppend(command, encoding.Events, encoding.Keys, encoding.Bytes, deadline);
    }

    /// <summary>Takes it into a batch for good; false when its sender has withdrawn it.</summary>
    public bool Take() => Interlocked.CompareExchange(ref taken, 1, 0) is 0 or 1;

    /// <summary>Withdraws it when no batch has taken it yet: then nothing is appended.</summary>
    public void Withdraw(CancellationToken ct)
    {
        if (Interlocked.CompareExchange(ref taken, 2, 0) == 0)
        {
            outcome.TrySetCanceled(ct);
        }
    }

    public void Complete(AppendOutcome result) => outcome.TrySetResult(result);

    public void Fail(Exception fault) => outcome.TrySetException(fault);

    /// <summary>It had to wait too long.</summary>
    public void GiveUp() => Fail(
        new LogUnavailableException(
            Uncertain
                ? "The connection was lost while the command was under way, and the database has not come back: the outcome is unknown."
                : "The command had to wait too long; nothing was appended.",
            Obstacle)
        {
            NothingAppended = !Uncertain,
        });

    private static void CheckKeys(AppendCommand command)
    {
        if (command.Streams.Count > 1 && command.Streams.DistinctBy(stream => stream.StreamId).Count() < command.Streams.Count)
        {
            throw new ArgumentException("A stream stands twice in one append.", nameof(command));
        }

        foreach (var key in command.Claims.Concat(command.Releases))
        {
            StorableText.Check(key.Scope, "unique key");
            StorableText.Check(key.Key, "unique key");
        }

        if (command.Claims.Count > 1 && command.Claims.DistinctBy(key => (key.Scope, key.Key)).Count() < command.Claims.Count)
        {
            throw new ArgumentException("A unique key is claimed twice in one append.", nameof(command));
        }

        if (command.Erases.Any(erased => command.Streams.All(stream => stream.StreamId != erased)))
        {
            throw new ArgumentException(
                "A stream is erased that does not stand in the append: its version would guard nothing.", nameof(command));
        }

        if (command.Receipt is { } receipt)
        {
            StorableText.Check(receipt.Caller, "receipt's caller");
            StorableText.Check(receipt.Key, "receipt's key");
            StorableText.Check(receipt.Body, "receipt's body");
        }

        if (command.Bookmark is { } bookmark)
        {
            StorableText.Check(bookmark.Scope, "bookmark");
            StorableText.Check(bookmark.Key, "bookmark");
            StorableText.Check(bookmark.Value, "bookmark");
        }
    }
}
