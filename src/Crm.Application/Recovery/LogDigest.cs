using System.Security.Cryptography;
using Crm.EventStore.Archives;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>What a log holds up to a position: how many events, the last position, and a digest over every byte of them.</summary>
/// <param name="Events">How many events.</param>
/// <param name="LastPosition">The position of the last; 0 when there are none.</param>
/// <param name="Sha256">SHA-256 in hexadecimal over the rendering of <see cref="Rendering"/>.</param>
public sealed record LogDigest(long Events, long LastPosition, string Sha256)
{
    /// <summary>
    /// The rendering that is hashed: every event in the order of positions, as <c>COPY</c> writes it in the binary format. So anybody can
    /// check it: <c>psql -c "copy (…) to stdout (format binary)" | sha256sum</c>.
    /// </summary>
    public const string Rendering =
        """
        copy (select seq_id, id, stream_id, version, type, mt_dotnet_type, timestamp, data, headers,
                     correlation_id, causation_id, tenant_id, is_archived
              from crm.mt_events where seq_id <= current_setting('crm.upto')::bigint order by seq_id)
        to stdout (format binary)
        """;

    /// <summary>Reads the log up to a position and digests it, in constant memory.</summary>
    public static async Task<LogDigest> Of(NpgsqlDataSource database, long upTo, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await LongWork.Prepare(connection, upTo, ct);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using (var events = await connection.BeginRawBinaryCopyAsync(Rendering, ct))
        {
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await events.ReadAsync(buffer, ct)) > 0)
            {
                hash.AppendData(buffer.AsSpan(0, read));
            }
        }

        await using var count = new NpgsqlCommand(
            "select count(*), coalesce(max(seq_id), 0) from crm.mt_events where seq_id <= $1", connection)
        { CommandTimeout = 0 };
        count.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        await using var reader = await count.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new LogDigest(reader.GetInt64(0), reader.GetInt64(1), Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}

/// <summary>Sessions for work that takes as long as it takes.</summary>
internal static class LongWork
{
    /// <summary>
    /// Makes a session ready: no time limit, UTC, and the position up to which the log is read (and after which, for a part of it) as
    /// settings, since <c>COPY</c> takes no parameters.
    /// </summary>
    public static Task Prepare(NpgsqlConnection connection, long upTo, CancellationToken ct, long after = 0) =>
        LogSession.Prepare(connection, after, upTo, ct);

    /// <summary>Runs a statement without a time limit.</summary>
    public static async Task Run(NpgsqlConnection connection, string sql, CancellationToken ct, params NpgsqlParameter[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddRange(values);
        await command.ExecuteNonQueryAsync(ct);
    }
}
