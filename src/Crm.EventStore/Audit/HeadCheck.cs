using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>A signed head that is to be checked.</summary>
/// <param name="Head">What it says.</param>
/// <param name="Where">Where it comes from, for people.</param>
internal sealed record SignedHead(TreeHead Head, string Where);

/// <summary>
/// Checks signed heads against the root that the events themselves give, size by size as the events go by; and remembers up to where the
/// signatures vouch for them.
/// </summary>
/// <param name="keys">The keys that may sign.</param>
/// <param name="findings">Takes what is wrong.</param>
internal sealed class HeadCheck(IReadOnlyList<NoteKey> keys, Findings findings)
{
    private const string Stored = "A stored head";

    private bool hasBroken;

    /// <summary>How many heads were right.</summary>
    public long Right { get; private set; }

    /// <summary>The size of the largest head that was right: what is signed, and so beyond doubt.</summary>
    public long VouchedFor { get; private set; }

    /// <summary>Reads a note, and looks at it by itself: that it is a head, and signed by one of the keys; null where it is not.</summary>
    public SignedHead? Read(string note, string where)
    {
        try
        {
            var signed = SignedNote.Parse(note);
            var head = TreeHead.Parse(signed.Text);
            if (signed.IsSignedBy(keys))
            {
                return new SignedHead(head, where);
            }

            findings.Add(FindingKind.Head, head.Size, $"{where}, of size {head.Size}, is not signed by a key that is trusted.");
        }
        catch (FormatException fault)
        {
            findings.Add(FindingKind.Head, 0, $"{where} cannot be read: {fault.Message}");
        }

        return null;
    }

    /// <summary>The heads that the database holds of a stretch of sizes, the smallest first.</summary>
    public async Task<List<SignedHead>> StoredIn(NpgsqlConnection connection, long after, long to, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            "select size, root, note from crm.audit_heads where size > $1 and size <= $2 order by size", connection);
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to });
        await using var row = await read.ExecuteReaderAsync(ct);
        var heads = new List<SignedHead>();
        while (await row.ReadAsync(ct))
        {
            var (size, root) = (row.GetInt64(0), row.GetFieldValue<byte[]>(1));
            if (Read(row.GetString(2), Stored) is not { } signed)
            {
                continue;
            }

            if (signed.Head.Size != size || !signed.Head.Root.AsSpan().SequenceEqual(root))
            {
                findings.Add(FindingKind.Head, size, $"{Stored}, of size {size}, says otherwise than its note.");
            }

            heads.Add(signed);
        }

        return heads;
    }

    /// <summary>Compares a head with the root of its size; empty where there is no such size.</summary>
    public void Compare(SignedHead signed, ReadOnlySpan<byte> root)
    {
        var size = signed.Head.Size;
        if (root.SequenceEqual(signed.Head.Root))
        {
            Right++;
            VouchedFor = Math.Max(VouchedFor, size);
        }
        else if (!hasBroken)
        {
            // Every head behind it breaks as well: the first says between which positions.
            hasBroken = true;
            var from = VouchedFor + 1;
            findings.Add(
                FindingKind.Head, from,
                $"{signed.Where}, of size {size}, does not fit: something in positions {from} to {size} is not as it was signed.");
        }
    }

    /// <summary>Looks at the stored heads together: numbered without a hole, ever larger, none beyond the log's end.</summary>
    public async Task Row(NpgsqlConnection connection, long last, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            """
            select number, size, before, size_before
            from (select number, size, lag(number, 1, 0::bigint) over (order by number) as before,
                      lag(size, 1, 0::bigint) over (order by number) as size_before
                  from crm.audit_heads) h
            where number <> before + 1 or size <= size_before or size > $1
            order by number limit 100
            """,
            connection);
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = last });
        await using var row = await read.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (number, size, before, sizeBefore) = (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
            if (number != before + 1)
            {
                findings.Add(
                    FindingKind.Head, sizeBefore + 1,
                    $"Heads {before + 1} to {number - 1} were taken out, of sizes between {sizeBefore} and {size}.");
            }

            if (size <= sizeBefore)
            {
                findings.Add(FindingKind.Head, size, $"Head {number}, of size {size}, comes after one of size {sizeBefore}.");
            }

            if (size > last)
            {
                findings.Add(FindingKind.Head, last + 1, $"{Stored} is of size {size}; the log ends at position {last}.");
            }
        }
    }

    /// <summary>
    /// Looks at heads that were kept elsewhere, apart from their roots: none is beyond the log's end, none was taken out here unless it is
    /// known that some were lost.
    /// </summary>
    public async Task Kept(
        NpgsqlConnection connection, IReadOnlyList<SignedHead> kept, long last, bool mayHaveLostHeads, CancellationToken ct)
    {
        foreach (var signed in kept)
        {
            var head = signed.Head;
            if (head.Size > last)
            {
                findings.Add(FindingKind.Head, last + 1, $"{signed.Where} is of size {head.Size}; the log ends at position {last}.");
            }

            if (mayHaveLostHeads)
            {
                continue;
            }

            await using var look = new NpgsqlCommand(
                """
                select exists (select from crm.audit_keys where name = $1)
                    and not exists (select from crm.audit_heads where size = $2 and root = $3)
                """,
                connection);
            look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = head.Origin });
            look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = head.Size });
            look.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = head.Root });
            if (await look.ExecuteScalarAsync(ct) is true)
            {
                findings.Add(FindingKind.Head, head.Size, $"{signed.Where}, of size {head.Size}, is not among the stored heads any more.");
            }
        }
    }
}
