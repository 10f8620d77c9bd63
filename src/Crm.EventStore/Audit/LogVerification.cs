using System.Diagnostics;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>What recomputing everything came to.</summary>
/// <param name="Sound">Whether nothing is wrong.</param>
/// <param name="Events">How many events were looked at.</param>
/// <param name="LastPosition">The last of their positions.</param>
/// <param name="Size">How many events the tree holds.</param>
/// <param name="Root">The root over all events that were looked at, recomputed, in base64.</param>
/// <param name="Heads">How many signed heads are right.</param>
/// <param name="SignedUpTo">The last position that a right head vouches for.</param>
/// <param name="Findings">What is wrong, at most a hundred of it.</param>
/// <param name="FindingsInAll">How much is wrong.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="StoredHeads">How many heads the database holds; null for an export, and in reports from before it was counted.</param>
/// <param name="LastHead">The size of the largest of them, 0 where there is none; null as before.</param>
public sealed record VerificationReport(
    bool Sound, long Events, long LastPosition, long Size, string Root, long Heads, long SignedUpTo, IReadOnlyList<Finding> Findings,
    long FindingsInAll, double Seconds, long? StoredHeads = null, long? LastHead = null);

/// <summary>
/// Recomputes everything from the tables as they are at one moment: the leaf of each event, every hash of the tree, the root at every
/// head and where earlier verifications ended, streams and counter. It only reads, keeps no more in memory than a stretch of the log, and
/// names what is wrong by its position.
/// </summary>
/// <param name="database">The log's database.</param>
/// <param name="trusted">The keys that heads must be signed by; null: those that the database itself names.</param>
/// <param name="exported">Signed heads that were kept elsewhere; they must fit as well.</param>
/// <param name="mayHaveLostHeads">Whether it is known that heads were lost: then only those that are there must be right.</param>
public sealed class LogVerification(
    NpgsqlDataSource database, IReadOnlyList<NoteKey>? trusted = null, IReadOnlyList<string>? exported = null,
    bool mayHaveLostHeads = false)
{
    private const int Stretch = 50_000;

    private readonly Findings findings = new();
    private readonly CompactRange tree = new();
    private readonly EventLeaf leaf = new();
    private readonly byte[] hash = new byte[MerkleTree.HashBytes];
    private long events;

    /// <summary>Verifies all that the log holds at this moment; once.</summary>
    /// <param name="progress">Told how much is done, 0–1: 0 as soon as that moment has been taken.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<VerificationReport> Run(IProgress<double>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        await using var moment = await LogMoment.Take(database, ct);
        var (log, aside) = (moment.Log, moment.Aside);
        var size = await AuditTiles.Size(aside, ct);
        var last = await LastPosition(log, ct);
        var keys = trusted ?? [.. (await AuditKeys.List(aside, ct)).Select(static key => key.Public)];
        var earlier = await EarlierCheck.Load(aside, findings, ct);
        progress?.Report(0);
        var heads = new HeadCheck(keys, findings);
        var kept = (exported ?? []).Select(note => heads.Read(note, "A head that was kept elsewhere")).OfType<SignedHead>().ToList();
        var tiles = new TileCheck(aside, size, findings);
        var comparison = new LeafComparison(findings);
        var end = Math.Max(last, size);
        for (long after = 0; after < end; after += Stretch)
        {
            var to = Math.Min(after + Stretch, end);
            var (first, hashes) = await tiles.Leaves(after, to, LeafComparison.Margin, ct);
            comparison.Window(first, hashes);
            var here = await heads.StoredIn(aside, after, to, ct);
            here.AddRange(kept.Where(signed => signed.Head.Size > after && signed.Head.Size <= to));
            await Events(log, comparison, heads, here, earlier, after, Math.Min(to, last), ct);
            await tiles.Upper(ct);
            progress?.Report((double)to / end);
        }

        comparison.End(size);
        await tiles.Levels(ct);
        await heads.Row(aside, last, ct);
        await heads.Kept(aside, kept, last, mayHaveLostHeads, ct);
        earlier.End(last);
        var (stored, lastHead) = await earlier.Stored(aside, size, mayHaveLostHeads, ct);
        await Streams(log, ct);
        findings.Vouch(heads.VouchedFor);
        return new VerificationReport(
            findings.Count == 0, events, last, size, Convert.ToBase64String(tree.Root()), heads.Right, heads.VouchedFor, findings.Kept,
            findings.Count, Math.Round(clock.Elapsed.TotalSeconds, 3), stored, lastHead);
    }

    private async Task Events(
        NpgsqlConnection log, LeafComparison comparison, HeadCheck check, List<SignedHead> heads, EarlierCheck earlier, long after, long to,
        CancellationToken ct)
    {
        var waiting = new Queue<SignedHead>(heads.OrderBy(static signed => signed.Head.Size));
        await using (var rows = await StoredRows.Open(log, after, to, ct))
        {
            while (await rows.Next(ct))
            {
                var position = Take(rows, comparison);
                while (waiting.TryPeek(out var signed) && signed.Head.Size <= position)
                {
                    check.Compare(waiting.Dequeue(), tree.Size == signed.Head.Size ? tree.Root() : []);
                }

                earlier.Passed(position, tree);
            }
        }

        foreach (var signed in waiting)
        {
            check.Compare(signed, []);
        }
    }

    private long Take(StoredRows rows, LeafComparison comparison)
    {
        var row = rows.Current;
        var canonical = leaf.Canonical(row);
        leaf.LastHash(hash);
        comparison.Next(row.Position, canonical, hash);
        tree.Append(hash);
        events++;
        return row.Position;
    }

    private async Task<long> LastPosition(NpgsqlConnection log, CancellationToken ct)
    {
        await using var ask = new NpgsqlCommand(
            "select (select position from crm.log_counter), (select coalesce(max(seq_id), 0) from crm.mt_events)", log);
        await using var row = await ask.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var (counter, last) = (row.GetInt64(0), row.GetInt64(1));
        if (counter != last)
        {
            findings.Add(FindingKind.Counter, last, $"The log's counter stands at {counter}, its last position is {last}.");
        }

        return last;
    }

    /// <summary>No version twice (an index sees to that), none missing, as many as the stream says.</summary>
    private async Task Streams(NpgsqlConnection log, CancellationToken ct)
    {
        await using (var patient = new NpgsqlCommand("set local statement_timeout = 0", log))
        {
            await patient.ExecuteNonQueryAsync(ct);
        }

        await using var ask = new NpgsqlCommand(
            """
            select coalesce(e.stream_id, s.id), coalesce(e.events, 0), coalesce(e.first, 0), coalesce(e.last, 0), coalesce(s.version, 0)
            from (select stream_id, count(*) as events, min(version) as first, max(version) as last from crm.mt_events group by stream_id) e
            full join crm.mt_streams s on s.id = e.stream_id
            where e.first is distinct from 1 or e.last is distinct from e.events or s.version is distinct from e.last
            order by 1 limit 100
            """,
            log)
        { CommandTimeout = 0 };
        await using var row = await ask.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (stream, count, first, last, version) =
                (row.IsDBNull(0) ? Guid.Empty : row.GetGuid(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
            findings.Add(
                FindingKind.Stream, 0,
                $"Stream {stream} says version {version}; it has {count} events, of versions {first} to {last}.");
        }
    }
}
