using System.Globalization;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>
/// Holds log, tree and heads against what earlier verifications saw: the log begins with each log that was found sound, and neither tree
/// nor heads have become fewer. Whoever takes away tree and heads together leaves nothing else that could tell.
/// </summary>
internal sealed class EarlierCheck
{
    private readonly Findings findings;
    private readonly StoredVerification? newest;
    private readonly Queue<(long Position, string Root, DateTimeOffset At)> waiting;
    private long fitting;
    private bool hasBroken;

    private EarlierCheck(Findings findings, StoredVerification? newest, IEnumerable<(long Position, string Root, DateTimeOffset At)> seen)
    {
        (this.findings, this.newest) = (findings, newest);
        waiting = new(seen.OrderBy(static one => one.Position));
    }

    /// <summary>Takes up what the database knows of earlier verifications.</summary>
    /// <exception cref="AuditTreeBrokenException">One cannot be read.</exception>
    public static async Task<EarlierCheck> Load(NpgsqlConnection connection, Findings findings, CancellationToken ct)
    {
        // Of the many of a log that stood still, the first is enough.
        StoredVerification? newest = null;
        var seen = new Dictionary<(long Position, string Root), DateTimeOffset>();
        await foreach (var earlier in StoredVerifications.AllSound(connection, ct))
        {
            newest ??= earlier;
            seen[(earlier.Report.LastPosition, earlier.Report.Root)] = earlier.At;
        }

        return new EarlierCheck(
            findings, newest,
            seen.Where(static one => one.Key.Position > 0).Select(static one => (one.Key.Position, one.Key.Root, one.Value)));
    }

    /// <summary>Compares what was seen up to a position, now that its event went by.</summary>
    public void Passed(long position, CompactRange tree)
    {
        while (waiting.TryPeek(out var seen) && seen.Position <= position)
        {
            waiting.Dequeue();
            if (tree.Size == seen.Position && Convert.ToBase64String(tree.Root()) == seen.Root)
            {
                fitting = seen.Position;
            }
            else if (!hasBroken)
            {
                // Whatever was seen later breaks as well.
                hasBroken = true;
                findings.Add(
                    FindingKind.Verified, fitting + 1,
                    $"Something in positions {fitting + 1} to {seen.Position} is not as it was verified on {Day(seen.At)}.");
            }
        }
    }

    /// <summary>No event comes after.</summary>
    /// <param name="last">The log's last position.</param>
    public void End(long last)
    {
        if (waiting.Count > 0)
        {
            var (position, _, at) = waiting.Last();
            findings.Add(
                FindingKind.Verified, last + 1,
                $"The log ends at position {last}; when it was verified on {Day(at)}, it went on to {position}.");
        }
    }

    /// <summary>Looks whether tree and heads are still as large as they were.</summary>
    /// <param name="connection">Reads the heads.</param>
    /// <param name="size">How many events the tree holds.</param>
    /// <param name="mayHaveLostHeads">Whether it is known that heads were lost.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>How many heads there are, and the size of the last.</returns>
    public async Task<(long Heads, long LastHead)> Stored(
        NpgsqlConnection connection, long size, bool mayHaveLostHeads, CancellationToken ct)
    {
        var (before, lastBefore) = (newest?.Report.StoredHeads ?? 0, newest?.Report.LastHead ?? 0);
        if (newest is not null && size < newest.Report.Size)
        {
            findings.Add(
                FindingKind.Verified, size + 1,
                $"The stored tree holds {size} events; on {Day(newest.At)} it held {newest.Report.Size}: it was taken out or cut.");
        }

        await using var count = new NpgsqlCommand(
            """
            select count(*), coalesce(max(size), 0), coalesce(max(size) filter (where size < $1), 0), coalesce(bool_or(size = $1), false)
            from crm.audit_heads
            """,
            connection);
        count.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lastBefore });
        await using var row = await count.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var (heads, last, smaller, isThere) = (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetBoolean(3));
        if (newest is not null && !mayHaveLostHeads && (heads < before || (before > 0 && !isThere)))
        {
            findings.Add(
                FindingKind.Verified, smaller + 1,
                $"There are {heads} heads; on {Day(newest.At)} there were {before}, up to one of size {lastBefore}: heads were taken out.");
        }

        return (heads, last);
    }

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
