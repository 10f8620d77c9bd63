using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>The commands that share one transaction.</summary>
internal sealed class AppendBatch : IDisposable
{
    private readonly AppendArrays arrays = new();
    private readonly List<PendingAppend> commands = [];
    private readonly HashSet<Guid> streams = [];
    private readonly HashSet<(string Scope, string Key)> keys = [];
    private int bytes;

    /// <summary>The commands of this batch in the order in which they are appended.</summary>
    public IReadOnlyList<PendingAppend> Commands => commands;

    /// <summary>Whether it should take no further command.</summary>
    public bool IsFull(EventLogOptions limits) =>
        commands.Count >= limits.MaxCommands || arrays.Events >= limits.MaxEvents || bytes >= limits.MaxBytes
        || commands is [{ Alone: true }];

    /// <summary>Adds a command, unless it touches what a command of this batch touches: then it waits for the next.</summary>
    public bool TryAdd(PendingAppend pending)
    {
        var added = pending.Command;
        if ((pending.Alone && commands.Count > 0) || Touches(added))
        {
            return false;
        }

        var number = commands.Count;
        commands.Add(pending);
        bytes += pending.Bytes;
        foreach (var stream in added.Streams)
        {
            streams.Add(stream.StreamId);
            arrays.Add(number, stream);
        }

        foreach (var encoded in pending.Events)
        {
            arrays.Add(number, encoded);
        }

        AddKeys(number, added);
        return true;
    }

    /// <summary>Makes the batch ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout) => arrays.Prepare(connection, timeout);

    /// <summary>Appends it: one round trip, one transaction.</summary>
    public BatchResult Run() => arrays.Run();

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        commands.Clear();
        streams.Clear();
        keys.Clear();
        bytes = 0;
        arrays.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => arrays.Dispose();

    private bool Touches(AppendCommand added)
    {
        foreach (var stream in added.Streams)
        {
            if (streams.Contains(stream.StreamId))
            {
                return true;
            }
        }

        return keys.Count > 0 && Keys(added).Any(keys.Contains);
    }

    // Receipts and bookmarks share one set with unique keys: a NUL, which no key can hold, keeps the three apart.
    private static IEnumerable<(string Scope, string Key)> Keys(AppendCommand added)
    {
        foreach (var key in added.Claims)
        {
            yield return (key.Scope, key.Key);
        }

        foreach (var key in added.Releases)
        {
            yield return (key.Scope, key.Key);
        }

        if (added.Receipt is { } receipt)
        {
            yield return ("\0receipt" + receipt.Caller, receipt.Key);
        }

        if (added.Bookmark is { } bookmark)
        {
            yield return ("\0bookmark" + bookmark.Scope, bookmark.Key);
        }
    }

    private void AddKeys(int number, AppendCommand added)
    {
        foreach (var key in Keys(added))
        {
            keys.Add(key);
        }

        foreach (var claim in added.Claims)
        {
            arrays.AddClaim(number, claim, added.Releases.FirstOrDefault(released => IsSame(released, claim))?.StreamId);
        }

        // A key that passes from one stream to another in one command is claimed only.
        foreach (var release in added.Releases.Where(released => !added.Claims.Any(claim => IsSame(released, claim))))
        {
            arrays.AddRelease(number, release);
        }

        if (added.Receipt is { } receipt)
        {
            arrays.Add(number, receipt);
        }

        if (added.Bookmark is { } bookmark)
        {
            arrays.Add(number, bookmark);
        }
    }

    private static bool IsSame(UniqueKey one, UniqueKey other) => one.Scope == other.Scope && one.Key == other.Key;
}
