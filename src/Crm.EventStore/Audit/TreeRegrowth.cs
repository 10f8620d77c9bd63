using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>
/// Makes a lost or damaged tree anew from the events, by an operator's word and with a role that may take the old one away. Every head that
/// is left, every verification that found the log sound, and heads that were kept elsewhere must fit the new tree; otherwise everything
/// stays as it is.
/// </summary>
/// <param name="owner">The database, in a role that may delete.</param>
/// <param name="kept">Signed heads that were kept elsewhere.</param>
public sealed class TreeRegrowth(NpgsqlDataSource owner, IReadOnlyList<string> kept)
{
    private sealed record Mark(long Size, string Root, string Where);

    /// <summary>Makes it anew, up to the log's end.</summary>
    /// <param name="progress">Told how much is done, 0–1.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>How many events it holds.</returns>
    /// <exception cref="AuditTreeBrokenException">The log is not what was signed or verified.</exception>
    /// <exception cref="Log.LogCorruptException">A position of the log is missing.</exception>
    public async Task<long> Run(IProgress<double>? progress, CancellationToken ct)
    {
        await using var connection = await owner.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await AuditTree.Lock(connection, ct);
        await Execute(connection, "set local statement_timeout = 0; delete from crm.audit_tiles", ct);
        var last = await LastPosition(connection, ct);
        var marks = new Queue<Mark>((await Marks(connection, ct)).OrderBy(static mark => mark.Size));
        var edge = new TreeEdge();
        while (edge.Size < last)
        {
            await AuditTree.Append(connection, edge, Math.Min(last, edge.Size + AuditTree.Step), grown => Compare(marks, grown), ct);
            await AuditTiles.Store(connection, edge, ct);
            progress?.Report((double)edge.Size / last);
        }

        if (marks.TryPeek(out var beyond))
        {
            throw new AuditTreeBrokenException(
                $"The log ends at position {last}, {beyond.Where} is of {beyond.Size} events: it was cut off. Nothing was touched.");
        }

        await transaction.CommitAsync(ct);
        return last;
    }

    private static void Compare(Queue<Mark> marks, TreeEdge edge)
    {
        while (marks.TryPeek(out var mark) && mark.Size == edge.Size)
        {
            if (Convert.ToBase64String(edge.Root()) != mark.Root)
            {
                throw new AuditTreeBrokenException(
                    $"The log up to position {mark.Size} is another than {mark.Where} is of: it was changed. Nothing was touched.");
            }

            marks.Dequeue();
        }
    }

    private async Task<HashSet<Mark>> Marks(NpgsqlConnection connection, CancellationToken ct)
    {
        var marks = new HashSet<Mark>();
        await using (var read = new NpgsqlCommand("select size, root from crm.audit_heads", connection))
        {
            await using var row = await read.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                marks.Add(new Mark(row.GetInt64(0), Convert.ToBase64String(row.GetFieldValue<byte[]>(1)), "a stored head"));
            }
        }

        await foreach (var (_, report) in StoredVerifications.AllSound(connection, ct))
        {
            marks.Add(new Mark(report.LastPosition, report.Root, "an earlier verification"));
        }

        foreach (var note in kept)
        {
            var head = TreeHead.Parse(SignedNote.Parse(note).Text);
            marks.Add(new Mark(head.Size, Convert.ToBase64String(head.Root), "a head that was kept elsewhere"));
        }

        marks.RemoveWhere(static mark => mark.Size == 0);
        return marks;
    }

    private static async Task<long> LastPosition(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var ask = new NpgsqlCommand("select position from crm.log_counter", connection);
        return await ask.ExecuteScalarAsync(ct) as long? ?? 0;
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
