using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Audit;

/// <summary>What a verification saw.</summary>
/// <param name="At">When.</param>
/// <param name="Report">What it said.</param>
public sealed record StoredVerification(DateTimeOffset At, VerificationReport Report);

/// <summary>
/// Kinds of findings as words: <c>changed</c>, <c>missing</c> … Reports that were stored with numbers in their place are read too.
/// </summary>
public sealed class FindingWords() : JsonStringEnumConverter<FindingKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: true);

/// <summary>The JSON of stored reports, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(FindingWords)])]
[JsonSerializable(typeof(VerificationReport))]
internal sealed partial class VerificationJson : JsonSerializerContext;

/// <summary>The verifications in <c>crm.audit_verifications</c>: what came of each, and by that what log, tree and heads once were.</summary>
public static class StoredVerifications
{
    private const string Sound = "select id, at, report::text from crm.audit_verifications where sound order by id desc";

    /// <summary>Keeps a report.</summary>
    public static async Task Keep(NpgsqlDataSource database, VerificationReport report, DateTimeOffset at, CancellationToken ct)
    {
        await using var keep = database.CreateCommand(
            "insert into crm.audit_verifications (at, size, sound, report) values ($1, $2, $3, $4)");
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = at });
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = report.Size });
        keep.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = report.Sound });
        keep.Parameters.Add(new NpgsqlParameter
        {
            Value = JsonSerializer.Serialize(report, VerificationJson.Default.VerificationReport),
            NpgsqlDbType = NpgsqlDbType.Jsonb,
        });
        await keep.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The newest one that found everything sound; null before the first.</summary>
    /// <exception cref="AuditTreeBrokenException">It cannot be read.</exception>
    internal static async Task<StoredVerification?> NewestSound(NpgsqlConnection connection, CancellationToken ct)
    {
        await foreach (var newest in Read(connection, $"{Sound} limit 1", ct))
        {
            return newest;
        }

        return null;
    }

    /// <summary>All that found everything sound, the newest first. What was found wrong was no measure for anything.</summary>
    /// <exception cref="AuditTreeBrokenException">One cannot be read.</exception>
    internal static IAsyncEnumerable<StoredVerification> AllSound(NpgsqlConnection connection, CancellationToken ct) =>
        Read(connection, Sound, ct);

    private static async IAsyncEnumerable<StoredVerification> Read(
        NpgsqlConnection connection, string sql, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(sql, connection);
        await using var row = await read.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            yield return new StoredVerification(row.GetFieldValue<DateTimeOffset>(1), ReportOf(row.GetInt64(0), row.GetString(2)));
        }
    }

    private static VerificationReport ReportOf(long id, string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, VerificationJson.Default.VerificationReport) is { Root: not null } report
                ? report
                : throw new JsonException("it is none");
        }
        catch (JsonException fault)
        {
            throw new AuditTreeBrokenException($"The stored verification {id} cannot be read: {fault.Message}");
        }
    }
}
