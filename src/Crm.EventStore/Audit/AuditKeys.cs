using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>A key as <c>crm.audit_keys</c> has it.</summary>
/// <param name="Number">Its place among the keys; the last one signs.</param>
/// <param name="Public">What its signatures are checked with.</param>
/// <param name="Sealed">The private key, sealed by the master key; null where it comes from a file.</param>
/// <param name="IsDevelopment">Whether a host of Development made it.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record AuditKey(long Number, NoteKey Public, byte[]? Sealed, bool IsDevelopment, DateTimeOffset CreatedAt);

/// <summary>The keys of the audit tree, past and present.</summary>
public static class AuditKeys
{
    private const string Columns = "number, name, spki, private_key, development, created_at";

    /// <summary>All of them, the oldest first.</summary>
    public static async Task<IReadOnlyList<AuditKey>> List(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var list = new NpgsqlCommand($"select {Columns} from crm.audit_keys order by number", connection);
        await using var row = await list.ExecuteReaderAsync(ct);
        var keys = new List<AuditKey>();
        while (await row.ReadAsync(ct))
        {
            keys.Add(new AuditKey(
                row.GetInt64(0),
                NoteKey.Of(row.GetString(1), row.GetFieldValue<byte[]>(2)),
                row.IsDBNull(3) ? null : row.GetFieldValue<byte[]>(3),
                row.GetBoolean(4),
                row.GetFieldValue<DateTimeOffset>(5)));
        }

        return keys;
    }

    /// <summary>Adds a key, which signs from now on; to be called by one at a time.</summary>
    public static async Task Add(NpgsqlConnection connection, AuditKey key, CancellationToken ct)
    {
        await using var add = new NpgsqlCommand(
            $"insert into crm.audit_keys ({Columns}, key_id) values ($1, $2, $3, $4, $5, $6, $7)", connection);
        add.Parameters.Add(new NpgsqlParameter<long> { TypedValue = key.Number });
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Public.Name });
        add.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.Public.Spki.ToArray() });
        add.Parameters.Add(new NpgsqlParameter<byte[]?> { TypedValue = key.Sealed });
        add.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = key.IsDevelopment });
        add.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = key.CreatedAt });
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Public.IdText });
        await add.ExecuteNonQueryAsync(ct);
    }
}
