using System.Data;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Archives;

/// <summary>
/// The rows beside the log that a log is of no use without: who may sign in with what, receipts, the wrapped keys of sealed data, the
/// heads of the audit tree that were signed and the keys that signed them. They are written whole at each run, into a folder of their own, so that a key which was destroyed is gone from the archive too. Sessions,
/// and the keys that sign tokens, are left out: nobody stays signed in over a restoration.
/// </summary>
internal static class ArchiveSecretRows
{
    /// <summary>What the names of the files begin with.</summary>
    public const string FilePrefix = "secrets-";

    private const int RowsAtOnce = 500;

    // The first line: of which position the rows are.
    private const string Head = "archive";

    // What is asked of each table. Receipts of later positions would promise what the archive does not hold.
    private static readonly (string Table, string Query)[] Tables =
    [
        ("master_keys", "select row_to_json(t)::text from crm.master_keys t"),
        ("subject_keys", "select row_to_json(t)::text from crm.subject_keys t"),
        ("credentials", "select row_to_json(t)::text from crm.credentials t"),
        ("second_factors", "select row_to_json(t)::text from crm.second_factors t"),
        ("recovery_codes", "select row_to_json(t)::text from crm.recovery_codes t"),
        ("api_keys", "select row_to_json(t)::text from crm.api_keys t"),
        ("unique_keys", "select row_to_json(t)::text from crm.unique_keys t where scope = 'user-external-id'"),
        ("receipts", "select row_to_json(t)::text from crm.receipts t where position <= $1"),
        ("audit_keys", "select row_to_json(t)::text from crm.audit_keys t"),
        ("audit_heads", "select row_to_json(t)::text from crm.audit_heads t where size <= $1"),
    ];

    /// <summary>Writes the rows to a file of the archive's folder of keys.</summary>
    /// <param name="database">The database.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="key">The archive's key; null: not encrypted.</param>
    /// <param name="upTo">The archive's last position.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<ArchiveSecrets> Write(
        NpgsqlDataSource database, ArchiveFolder folder, ArchiveKey? key, long upTo, CancellationToken ct)
    {
        // A new name each time: until the manifest says so, the file before is the one that counts.
        var name = string.Create(
            CultureInfo.InvariantCulture, $"{FilePrefix}{upTo:D12}-{Guid.NewGuid():N}.ndjson.gz{(key is null ? "" : ".enc")}");
        var rows = new SortedDictionary<string, long>(StringComparer.Ordinal);
        await using var connection = await database.OpenConnectionAsync(ct);
        await LogSession.Prepare(connection, after: 0, upTo, ct);

        // One moment for all tables: while a master key is rotated, what one of them holds is of no use without what another does.
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        using var file = new ArchiveFileWriter(folder.Keys, name, key);
        file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"table\":\"{Head}\",\"row\":{{\"position\":{upTo}}}}}\n")));
        foreach (var (table, query) in Tables)
        {
            rows[table] = await Table(connection, table, query, upTo, file, ct);
        }

        return new ArchiveSecrets(file.End(), rows, folder.KeysName);
    }

    /// <summary>Puts the rows into a database's tables, which are empty.</summary>
    /// <param name="into">The database, in a transaction.</param>
    /// <param name="folder">The archive.</param>
    /// <param name="secrets">The file.</param>
    /// <param name="key">The archive's key; null: not encrypted.</param>
    /// <param name="except">A table that is left out; null: none.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="ArchiveDamagedException">The file is damaged, or not the manifest's.</exception>
    public static async Task Restore(
        NpgsqlConnection into, ArchiveFolder folder, ArchiveSecrets secrets, ArchiveKey? key, string? except, CancellationToken ct)
    {
        using var file = new ArchiveFileReader(folder.Keys, secrets.File, key);
        var lines = new Lines(file);
        var (table, rows, count) = ("", new StringBuilder(), 0);
        while (lines.Next())
        {
            var (of, row) = RowOf(lines.Line, secrets.File.Name);
            if (of == except || of == Head)
            {
                continue;
            }

            if (of != table || count == RowsAtOnce)
            {
                await Insert(into, table, rows, ct);
                (table, count) = (of, 0);
                rows.Clear();
            }

            rows.Append(count++ == 0 ? '[' : ',').Append(row);
        }

        await Insert(into, table, rows, ct);
        file.Check();
    }

    /// <summary>Reads the whole file and counts its rows.</summary>
    /// <exception cref="ArchiveDamagedException">The file is damaged, or not the manifest's.</exception>
    public static void Check(ArchiveFolder folder, ArchiveSecrets secrets, ArchiveKey? key)
    {
        using var file = new ArchiveFileReader(folder.Keys, secrets.File, key);
        var lines = new Lines(file);
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        while (lines.Next())
        {
            var (table, _) = RowOf(lines.Line, secrets.File.Name);
            found[table] = found.GetValueOrDefault(table) + 1;
        }

        file.Check();
        if (secrets.Rows.FirstOrDefault(table => found.GetValueOrDefault(table.Key) != table.Value) is { Key: { } wrong })
        {
            throw new ArchiveDamagedException(secrets.File.Name, $"it holds other rows of {wrong} than the manifest says");
        }
    }

    /// <summary>The ids of the master keys without which what is sealed in the archive stays closed.</summary>
    /// <exception cref="ArchiveDamagedException">The file is damaged, or not the manifest's.</exception>
    public static IReadOnlyList<string> MasterKeys(ArchiveFolder folder, ArchiveSecrets secrets, ArchiveKey? key)
    {
        using var file = new ArchiveFileReader(folder.Keys, secrets.File, key);
        var lines = new Lines(file);
        var ids = new List<string>();
        while (lines.Next())
        {
            var (table, row) = RowOf(lines.Line, secrets.File.Name);
            if (table is not Head and not "master_keys")
            {
                break;
            }

            using var of = JsonDocument.Parse(row);
            if (table is not Head && of.RootElement.GetProperty("retired_at").ValueKind is JsonValueKind.Null)
            {
                ids.Add(of.RootElement.GetProperty("id").GetString() ?? "");
            }
        }

        return ids;
    }

    /// <summary>The streams whose key was destroyed.</summary>
    /// <exception cref="ArchiveDamagedException">The file is damaged, or not the manifest's.</exception>
    public static IReadOnlyCollection<Guid> DestroyedKeys(ArchiveFolder folder, ArchiveSecrets secrets, ArchiveKey? key)
    {
        using var file = new ArchiveFileReader(folder.Keys, secrets.File, key);
        var (lines, streams) = (new Lines(file), new List<Guid>());
        while (lines.Next())
        {
            var (table, row) = RowOf(lines.Line, secrets.File.Name);
            if (table is "subject_keys")
            {
                using var of = JsonDocument.Parse(row);
                streams.AddRange(
                    of.RootElement.GetProperty("wrapped").ValueKind is JsonValueKind.Null ? [of.RootElement.GetProperty("stream_id").GetGuid()] : []);
            }
        }

        file.Check();
        return streams;
    }

    private static async Task<long> Table(
        NpgsqlConnection connection, string table, string query, long upTo, ArchiveFileWriter file, CancellationToken ct)
    {
        var count = 0L;
        await using var rows = new NpgsqlCommand(query, connection) { CommandTimeout = 0 };
        if (query.EndsWith("$1", StringComparison.Ordinal))
        {
            rows.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        }

        await using var reader = await rows.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            // A row is written on one line, whatever its texts hold.
            file.Write(Encoding.UTF8.GetBytes($"{{\"table\":\"{table}\",\"row\":{reader.GetString(0)}}}\n"));
            count++;
        }

        return count;
    }

    private static (string Table, string Row) RowOf(ReadOnlySpan<byte> line, string file)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            using var entry = JsonDocument.ParseValue(ref reader);
            return (entry.RootElement.GetProperty("table").GetString() ?? "", entry.RootElement.GetProperty("row").GetRawText());
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ArchiveDamagedException(file, $"a line is no row ({broken.Message})");
        }
    }

    private static async Task Insert(NpgsqlConnection into, string table, StringBuilder rows, CancellationToken ct)
    {
        if (rows.Length == 0)
        {
            return;
        }

        var insert = table switch
        {
            "master_keys" => "insert into crm.master_keys select * from json_populate_recordset(null::crm.master_keys, $1)",
            "subject_keys" => "insert into crm.subject_keys select * from json_populate_recordset(null::crm.subject_keys, $1)",
            "credentials" => "insert into crm.credentials select * from json_populate_recordset(null::crm.credentials, $1)",
            "second_factors" => "insert into crm.second_factors select * from json_populate_recordset(null::crm.second_factors, $1)",
            "recovery_codes" => "insert into crm.recovery_codes select * from json_populate_recordset(null::crm.recovery_codes, $1)",
            "api_keys" => "insert into crm.api_keys select * from json_populate_recordset(null::crm.api_keys, $1)",
            "unique_keys" => "insert into crm.unique_keys select * from json_populate_recordset(null::crm.unique_keys, $1)",
            "receipts" => "insert into crm.receipts select * from json_populate_recordset(null::crm.receipts, $1)",
            "audit_keys" => "insert into crm.audit_keys select * from json_populate_recordset(null::crm.audit_keys, $1)",
            "audit_heads" => "insert into crm.audit_heads select * from json_populate_recordset(null::crm.audit_heads, $1)",
            _ => throw new ArchiveRefusedException($"The archive holds rows of a table that this program does not know: {table}."),
        };
        await using var command = new NpgsqlCommand(insert, into) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Append(']').ToString(), NpgsqlDbType = NpgsqlDbType.Json });
        await command.ExecuteNonQueryAsync(ct);
    }
}
