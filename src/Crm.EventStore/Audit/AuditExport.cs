using System.Buffers;
using System.Text.Json;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>
/// Writes the history as a file that can be verified with nothing but itself and a public key: one JSON value a line. First what it is;
/// then the canonical object of each event in order, the tree's hashes of each stretch of 256 before the stretch before it, each signed
/// head behind the last event that it is of. It ends with a head.
/// </summary>
public sealed class AuditExport(NpgsqlDataSource database)
{
    /// <summary>How the first line names this format.</summary>
    public const string Format = "crm-audit-export/1";

    private const int Stretch = 20 * TreeEdge.TileHashes;
    private const int Hash = MerkleTree.HashBytes;

    private readonly EventLeaf leaf = new();
    private readonly ArrayBufferWriter<byte> line = new();

    /// <summary>Writes everything up to a head.</summary>
    /// <param name="head">The head that it ends with.</param>
    /// <param name="to">Takes the lines.</param>
    /// <param name="progress">Told how much is done, 0–1.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="AuditTreeBrokenException">The stored tree is not whole.</exception>
    public async Task Write(AuditHead head, Stream to, IProgress<double>? progress, CancellationToken ct)
    {
        await using var log = await database.OpenConnectionAsync(ct);
        await using var aside = await database.OpenConnectionAsync(ct);
        var keys = await AuditKeys.List(aside, ct);
        await Line(to, json => Begin(json, head, keys), ct);
        await Hashes(aside, to, 0, head.Size, ct);
        for (long after = 0; after < head.Size; after += Stretch)
        {
            var end = Math.Min(after + Stretch, head.Size);
            var heads = await HeadsIn(aside, after, end, ct);
            await using var rows = await StoredRows.Open(log, after, end, ct);
            for (var position = after + 1; await rows.Next(ct); position++)
            {
                if (position % TreeEdge.TileHashes == 1)
                {
                    await Hashes(aside, to, position - 1 + TreeEdge.TileHashes, head.Size, ct);
                }

                await to.WriteAsync(Canonical(rows), ct);
                if (heads.Remove(position, out var note))
                {
                    await Line(to, json => json.WriteString("head"u8, note), ct);
                }
            }

            progress?.Report((double)end / head.Size);
        }
    }

    private static void Begin(Utf8JsonWriter json, AuditHead head, IReadOnlyList<AuditKey> keys)
    {
        json.WriteString("format"u8, Format);
        json.WriteNumber("size"u8, head.Size);
        json.WriteStartArray("keys"u8);
        foreach (var key in keys)
        {
            json.WriteStringValue(key.Public.ToString());
        }

        json.WriteEndArray();
    }

    private async Task Hashes(NpgsqlConnection aside, Stream to, long from, long size, CancellationToken ct)
    {
        var end = Math.Min(from + TreeEdge.TileHashes, size);
        if (from >= end)
        {
            return;
        }

        var hashes = await AuditTiles.Read(aside, 0, from, end, ct);
        await Line(
            to,
            json =>
            {
                json.WriteNumber("first"u8, from + 1);
                json.WriteBase64String("hashes"u8, hashes.AsSpan(0, (int)(end - from) * Hash));
            },
            ct);
    }

    private static async Task<Dictionary<long, string>> HeadsIn(NpgsqlConnection aside, long after, long to, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand("select size, note from crm.audit_heads where size > $1 and size <= $2", aside);
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to });
        await using var row = await read.ExecuteReaderAsync(ct);
        var heads = new Dictionary<long, string>();
        while (await row.ReadAsync(ct))
        {
            heads.Add(row.GetInt64(0), row.GetString(1));
        }

        return heads;
    }

    private ReadOnlyMemory<byte> Canonical(StoredRows rows)
    {
        line.ResetWrittenCount();
        line.Write(leaf.Canonical(rows.Current));
        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    private async Task Line(Stream to, Action<Utf8JsonWriter> write, CancellationToken ct)
    {
        line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        await to.WriteAsync(line.WrittenMemory, ct);
    }
}
