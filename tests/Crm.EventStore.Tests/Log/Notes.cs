using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Log;

/// <summary>A toy event: something was noted.</summary>
public sealed record Noted(string Text, int Number = 0, JsonElement? Raw = null);

/// <summary>A toy event without content.</summary>
public sealed record Finished;

[JsonSerializable(typeof(Noted))]
[JsonSerializable(typeof(Finished))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
public sealed partial class NoteJson : JsonSerializerContext;

/// <summary>The toy streams of the log's specifications, and short words for what is done with them.</summary>
public static class Notes
{
    public static EventCatalog Catalog { get; } = new(
    [
        new("noted", "note", typeof(Noted), NoteJson.Default.Noted),
        new("finished", "note", typeof(Finished), NoteJson.Default.Finished),
    ]);

    public static DateTimeOffset Noon { get; } = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    public static Envelope Ann { get; } = new("ann", CorrelationId: "request-1");

    public static EventLog Open(NpgsqlDataSource database, EventLogOptions? options = null) =>
        new(database, Catalog, TestKeys.Masters, new LogPosition(), options);

    public static NewEvent Note(string text, int number = 0) => new(Guid.NewGuid(), new Noted(text, number), Noon);

    public static StreamAppend On(Guid stream, long expected, params NewEvent[] events) => new(stream, "note", expected, events);

    public static AppendCommand Command(params StreamAppend[] streams) => new(streams, Ann);

    public static AppendCommand Append(Guid stream, long expected, params string[] texts) =>
        Command(On(stream, expected, [.. texts.Select(text => Note(text))]));

    public static Receipt ReceiptOf(Guid stream, string key, string caller = "caller") =>
        new(caller, key, [1, 2, 3], 200, stream, 1, ["noted"], Body: null);

    public static UniqueKey Key(string key, Guid stream) => new("number", key, stream);

    public static async Task<AppendOutcome.Appended> Appended(this Task<AppendOutcome> append) =>
        Assert.IsType<AppendOutcome.Appended>(await append);

    public static async Task<T?> Scalar<T>(this NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public static async Task Execute(this NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>What the log owes everybody at all times: no hole in positions and versions, and streams that agree with their events.</summary>
    public static async Task IsSound(NpgsqlDataSource database)
    {
        Assert.Equal(0, await database.Scalar<long>("select coalesce(max(seq_id), 0) - count(*) from crm.mt_events"));
        Assert.Equal(0, await database.Scalar<long>("select count(*) from crm.mt_events where seq_id < 1"));
        Assert.Equal(0, await database.Scalar<long>(
            "select (select coalesce(max(seq_id), 0) from crm.mt_events) - (select position from crm.log_counter)"));
        Assert.Equal(0, await database.Scalar<long>(
            """
            select count(*) from crm.mt_streams s
            where s.version is distinct from (select count(*) from crm.mt_events e where e.stream_id = s.id)
                or s.version is distinct from (select max(version) from crm.mt_events e where e.stream_id = s.id)
            """));
        Assert.Equal(0, await database.Scalar<long>(
            """
            select count(*) from (
                select headers ->> 'recordedAt' as at, lag(headers ->> 'recordedAt') over (order by seq_id) as before,
                    version, lag(version) over (partition by stream_id order by seq_id) as version_before
                from crm.mt_events) e
            where at < before or version <> coalesce(version_before, 0) + 1
            """));
    }
}
