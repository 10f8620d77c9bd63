using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>How far the tree has come.</summary>
/// <param name="Size">How many events it holds.</param>
/// <param name="LogPosition">The log's last position when that was looked at.</param>
public readonly record struct TreeProgress(long Size, long LogPosition);

/// <summary>A proof, and what it belongs to.</summary>
/// <param name="Hashes">The proof's hashes, from the leaves up.</param>
/// <param name="Root">The root of the tree that it leads to.</param>
public sealed record TreeProof(IReadOnlyList<byte[]> Hashes, byte[] Root);

/// <summary>
/// The audit tree of a database: grows with the log, is signed, and proves. It grows on one host at a time, whoever holds its lock; what
/// was stored of it is only added to.
/// </summary>
public sealed class AuditTree(NpgsqlDataSource database)
{
    /// <summary>So many events are hashed in one transaction, so that none is long.</summary>
    public const int Step = 50_000;

    private const string HeadColumns = "number, size, root, note, at";
    private const string LockKey = "hashtextextended('crm.audit_tiles', 0)";

    /// <summary>Takes the log's next events into the tree, at most <see cref="Step"/>; null while another host is at it.</summary>
    /// <exception cref="LogCorruptException">A position of the log is missing.</exception>
    /// <exception cref="AuditTreeBrokenException">The stored tree cannot be gone on from, or is less than it was.</exception>
    public Task<TreeProgress?> Grow(CancellationToken ct) => Grow(isRestored: false, ct);

    /// <summary>The same of a log that was just restored: its heads came with it, and its tree is made after them.</summary>
    /// <exception cref="LogCorruptException">A position of the log is missing.</exception>
    /// <exception cref="AuditTreeBrokenException">The stored tree cannot be gone on from.</exception>
    public Task<TreeProgress?> GrowRestored(CancellationToken ct) => Grow(isRestored: true, ct);

    private async Task<TreeProgress?> Grow(bool isRestored, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand($"select pg_try_advisory_xact_lock({LockKey})", connection))
        {
            if (await alone.ExecuteScalarAsync(ct) is not true)
            {
                return null;
            }
        }

        var progress = await LookAt(connection, ct);
        if (!isRestored)
        {
            await TreeHistory.DemandNoLoss(connection, progress.Size, ct);
        }

        if (progress.Size >= progress.LogPosition)
        {
            return progress;
        }

        var edge = await AuditTiles.Edge(connection, ct);
        await Append(connection, edge, Math.Min(progress.LogPosition, edge.Size + Step), passed: null, ct);
        await AuditTiles.Store(connection, edge, ct);
        await transaction.CommitAsync(ct);
        return progress with { Size = edge.Size };
    }

    /// <summary>How far the tree and the log are.</summary>
    public async Task<TreeProgress> Progress(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await LookAt(connection, ct);
    }

    /// <summary>
    /// Signs the tree as it is now. A tree that has not grown since the last head has that head. Nothing is signed that contradicts it, and
    /// nothing while there is nothing: then it is null.
    /// </summary>
    /// <param name="signer">Signs; its name is the log's.</param>
    /// <param name="now">When.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="AuditTreeBrokenException">The tree does not begin with what was signed or verified before.</exception>
    public async Task<AuditHead?> Sign(NoteSigner signer, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Lock(connection, ct);
        var edge = await AuditTiles.Edge(connection, ct);
        var last = await Find(connection, $"select {HeadColumns} from crm.audit_heads order by number desc limit 1", ct);
        if (last is not null)
        {
            if (last.Size > edge.Size
                || !(await AuditTiles.HashOf(connection, new LeafRange(0, last.Size), ct)).AsSpan().SequenceEqual(last.Root))
            {
                throw new AuditTreeBrokenException($"The audit tree does not begin with the head of size {last.Size} that was signed.");
            }
        }

        if (!await TreeHistory.GoesOn(connection, edge.Size, ct) || edge.Size == 0 || last?.Size == edge.Size)
        {
            return last;
        }

        var root = edge.Root();
        var note = SignedNote.Sign(new TreeHead(signer.PublicKey.Name, edge.Size, root).ToText(), signer);
        var head = new AuditHead((last?.Number ?? 0) + 1, edge.Size, root, note.ToString(), now);
        await Keep(connection, head, ct);
        await transaction.CommitAsync(ct);
        return head;
    }

    /// <summary>The last head; null before the first.</summary>
    public async Task<AuditHead?> LastHead(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await Find(connection, $"select {HeadColumns} from crm.audit_heads order by number desc limit 1", ct);
    }

    /// <summary>The heads after one of them, by number, at most so many.</summary>
    public async Task<IReadOnlyList<AuditHead>> Heads(long after, int limit, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var read = new NpgsqlCommand(
            $"select {HeadColumns} from crm.audit_heads where number > $1 order by number limit $2", connection);
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var rows = await read.ExecuteReaderAsync(ct);
        var heads = new List<AuditHead>();
        while (await rows.ReadAsync(ct))
        {
            heads.Add(HeadOf(rows));
        }

        return heads;
    }

    /// <summary>The leaf hash of a position as the tree has it.</summary>
    /// <exception cref="AuditTreeBrokenException">It is not there.</exception>
    public async Task<byte[]> LeafHash(long position, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await AuditTiles.Read(connection, 0, position - 1, position, ct);
    }

    /// <summary>The canonical object of a position's event; null when the log has no such position.</summary>
    public async Task<byte[]?> Leaf(long position, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var rows = await StoredRows.Open(connection, position - 1, position, ct);
        return await rows.Next(ct) ? Canonical(rows) : null;
    }

    /// <summary>Proves that a position's event stands in the tree of a size.</summary>
    /// <exception cref="ArgumentOutOfRangeException">That tree has no such position.</exception>
    public Task<TreeProof> ProveInclusion(long position, long size, CancellationToken ct) =>
        Prove(MerkleProof.Inclusion(position - 1, size), size, ct);

    /// <summary>Proves that the tree of one size begins with that of another.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no such trees.</exception>
    public Task<TreeProof> ProveConsistency(long first, long second, CancellationToken ct) =>
        Prove(MerkleProof.Consistency(first, second), second, ct);

    /// <summary>The root of the tree at a size that it once had.</summary>
    /// <exception cref="AuditTreeBrokenException">It never was as large, or has lost something.</exception>
    public async Task<byte[]> Root(long size, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await AuditTiles.HashOf(connection, new LeafRange(0, size), ct);
    }

    private async Task<TreeProof> Prove(IReadOnlyList<LeafRange> parts, long size, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        var hashes = new List<byte[]>(parts.Count);
        foreach (var part in parts)
        {
            hashes.Add(await AuditTiles.HashOf(connection, part, ct));
        }

        return new TreeProof(hashes, await AuditTiles.HashOf(connection, new LeafRange(0, size), ct));
    }

    /// <summary>Waits until nobody else works on the tree; the transaction's end lets go of it.</summary>
    internal static async Task Lock(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var alone = new NpgsqlCommand($"select pg_advisory_xact_lock({LockKey})", connection);
        await alone.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Takes the events up to a position into an edge, and tells of each that it was taken.</summary>
    internal static async Task Append(
        NpgsqlConnection connection, TreeEdge edge, long to, Action<TreeEdge>? passed, CancellationToken ct)
    {
        var leaf = new EventLeaf();
        var hash = new byte[MerkleTree.HashBytes];
        await using var rows = await StoredRows.Open(connection, edge.Size, to, ct);
        while (await rows.Next(ct))
        {
            var row = rows.Current;
            if (row.Position != edge.Size + 1)
            {
                break;
            }

            leaf.Hash(row, hash);
            edge.Append(hash);
            passed?.Invoke(edge);
        }

        if (edge.Size != to)
        {
            throw new LogCorruptException($"The log has a hole: position {edge.Size + 1} is missing.");
        }
    }

    private static byte[] Canonical(StoredRows rows) => new EventLeaf().Canonical(rows.Current).ToArray();

    private static async Task<TreeProgress> LookAt(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var position = new NpgsqlCommand("select position from crm.log_counter", connection);
        return new TreeProgress(await AuditTiles.Size(connection, ct), await position.ExecuteScalarAsync(ct) as long? ?? 0);
    }

    private static async Task Keep(NpgsqlConnection connection, AuditHead head, CancellationToken ct)
    {
        await using var keep = new NpgsqlCommand($"insert into crm.audit_heads ({HeadColumns}) values ($1, $2, $3, $4, $5)", connection);
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = head.Number });
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = head.Size });
        keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = head.Root });
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = head.Note });
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = head.At });
        await keep.ExecuteNonQueryAsync(ct);
    }

    private static async Task<AuditHead?> Find(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand(sql, connection);
        await using var row = await find.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? HeadOf(row) : null;
    }

    private static AuditHead HeadOf(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2), row.GetString(3), row.GetFieldValue<DateTimeOffset>(4));
}
