using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>
/// What heads and verifications say that the tree once was. A tree that has lost something is not gone on with, and nothing is signed
/// over it: it would be made anew over whatever the log holds by then, and a forged event would have a signature.
/// </summary>
internal static class TreeHistory
{
    private const string WayOut =
        "Nothing more is signed. See crm verify; crm audit regrow makes the tree anew where the log is still what was signed and verified.";

    /// <summary>Demands that the tree is as large as it ever was.</summary>
    /// <param name="connection">Reads heads and verifications.</param>
    /// <param name="size">How many events the tree holds.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="AuditTreeBrokenException">It was larger.</exception>
    public static async Task DemandNoLoss(NpgsqlConnection connection, long size, CancellationToken ct)
    {
        await using var ask = new NpgsqlCommand(
            """
            select coalesce((select size from crm.audit_heads order by number desc limit 1), 0),
                coalesce((select size from crm.audit_verifications where sound order by id desc limit 1), 0)
            """,
            connection);
        await using var row = await ask.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var (signed, verified) = (row.GetInt64(0), row.GetInt64(1));
        if (size < signed)
        {
            throw new AuditTreeBrokenException($"The audit tree holds {size} events, but a head of {signed} was signed. {WayOut}");
        }

        if (size < verified)
        {
            throw new AuditTreeBrokenException($"The audit tree holds {size} events, but held {verified} when it was verified. {WayOut}");
        }
    }

    /// <summary>Demands that tree and heads go on from what was last verified.</summary>
    /// <param name="connection">Reads tiles, heads and verifications.</param>
    /// <param name="size">How many events the tree holds.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Whether the tree is as far as that already, and may be signed.</returns>
    /// <exception cref="AuditTreeBrokenException">They do not.</exception>
    public static async Task<bool> GoesOn(NpgsqlConnection connection, long size, CancellationToken ct)
    {
        if (await StoredVerifications.NewestSound(connection, ct) is not { Report: var verified })
        {
            return true;
        }

        if (verified is { StoredHeads: > 0, LastHead: { } last })
        {
            await using var look = new NpgsqlCommand("select exists (select from crm.audit_heads where size = $1)", connection);
            look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = last });
            if (await look.ExecuteScalarAsync(ct) is not true)
            {
                throw new AuditTreeBrokenException($"The head of size {last} was there when it was verified, and is gone. {WayOut}");
            }
        }

        if (size < verified.LastPosition)
        {
            return false;
        }

        var root = await AuditTiles.HashOf(connection, new LeafRange(0, verified.LastPosition), ct);
        return Convert.ToBase64String(root) == verified.Root
            ? true
            : throw new AuditTreeBrokenException(
                $"The audit tree of {verified.LastPosition} events is another than the one that was verified. {WayOut}");
    }
}
