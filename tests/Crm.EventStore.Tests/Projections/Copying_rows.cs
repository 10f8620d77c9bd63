using Crm.EventStore.Projections;
using Crm.Testing;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Tests.Projections;

public sealed class Copying_rows : IAsyncLifetime
{
    private static readonly ReadTable<Row> Table = new()
    {
        Name = "copied",
        Columns =
        [
            ReadTable<Row>.Column("place", "bigint not null", NpgsqlDbType.Bigint, row => row.Place),
            ReadTable<Row>.Column<Guid?>("id", "uuid", NpgsqlDbType.Uuid, row => row.Id),
            ReadTable<Row>.Column<int?>("number", "integer", NpgsqlDbType.Integer, row => row.Number),
            ReadTable<Row>.Column<bool?>("flag", "boolean", NpgsqlDbType.Boolean, row => row.Flag),
            ReadTable<Row>.Column("text", "text", NpgsqlDbType.Text, row => row.Text),
            ReadTable<Row>.Column("json", "jsonb", NpgsqlDbType.Jsonb, row => row.Json),
            ReadTable<Row>.Column("texts", "text[]", NpgsqlDbType.Array | NpgsqlDbType.Text, row => row.Texts),
            ReadTable<Row>.Column<decimal?>("amount", "numeric", NpgsqlDbType.Numeric, row => row.Amount),
            ReadTable<Row>.Column<DateTimeOffset?>("at", "timestamptz", NpgsqlDbType.TimestampTz, row => row.At),
            ReadTable<Row>.Column<DateOnly?>("day", "date", NpgsqlDbType.Date, row => row.Day),
        ],
        PrimaryKey = "place",
    };

    private readonly TestDatabase database = new();

    public ValueTask InitializeAsync() => database.InitializeAsync();

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Fact]
    public async Task brings_every_kind_of_value_to_the_server_as_it_is()
    {
        Row[] rows =
        [
            new(1, Guid.CreateVersion7(), int.MinValue, true, "Zoë 🙂 \t\\.", """{"a": "ü"}""", ["", "zwei", "3,{}\""], 1.50m,
                new DateTimeOffset(2024, 2, 29, 23, 59, 59, 999, 123, TimeSpan.Zero), new DateOnly(1999, 12, 31)),
            new(2, null, null, null, null, null, null, null, null, null),
            new(3, Guid.Empty, 0, false, "", "[]", [], 0m,
                new DateTimeOffset(1903, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateOnly(2400, 1, 1)),
            new(long.MaxValue, Guid.AllBitsSet, int.MaxValue, true, new string('x', 300_000), "null",
                [new string('y', 70_000)], decimal.MinValue, DateTimeOffset.UnixEpoch, new DateOnly(2000, 1, 1)),
        ];

        var found = await Copied(
            rows,
            "select place, id, number, flag, text, json::text, texts, amount, at, day from copied order by place",
            static reader => new Row(
                reader.GetInt64(0), Or<Guid?>(reader, 1), Or<int?>(reader, 2), Or<bool?>(reader, 3), Or<string>(reader, 4),
                Or<string>(reader, 5), Or<string[]>(reader, 6), Or<decimal?>(reader, 7),
                Or<DateTimeOffset?>(reader, 8), Or<DateOnly?>(reader, 9)));

        Assert.Equal(rows.Select(Told), found.Select(Told));
    }

    [Fact]
    public async Task brings_numbers_with_their_scale()
    {
        var random = new Random(20_261_120);
        decimal[] amounts =
        [
            0m, 0.0m, 0.00000m, 1m, -1m, 10m, 100m, 1_000m, 9_999m, 10_000m, 10_001m, 100_000_000m, 1.5m, 1.50m, -0.0001m, 0.00010m,
            12_345.6789m, 0.1m, 0.01m, 0.001m, 0.00001m, decimal.MaxValue, decimal.MinValue, new decimal(1, 0, 0, false, 28),
            new decimal(-1, -1, -1, true, 28),
            new decimal(-1, -1, -1, false, 27), new decimal(0, 1, 0, false, 3), new decimal(0, 0, 1, false, 13),
            .. Enumerable.Range(0, 2_000).Select(each => new decimal(
                random.Next(), each % 2 == 0 ? 0 : random.Next(), each % 3 == 0 ? random.Next() : 0, each % 5 == 0, (byte)random.Next(29))),
        ];
        var rows = amounts.Select((amount, place) => new Row(place, null, null, null, null, null, null, amount, null, null)).ToArray();

        var found = await Copied(
            rows,
            "select amount::text from copied order by place", static reader => reader.GetString(0));

        Assert.Equal(amounts.Select(static amount => amount.ToString(System.Globalization.CultureInfo.InvariantCulture)), found);
    }

    [Fact]
    public async Task writes_nothing_when_it_is_left_without_an_end()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var connection = await database.App.OpenConnectionAsync(ct);
        await Execute(connection, Create);
        await using (var copy = await TableCopy<Row>.Begin(connection, Table, "copied", isNew: false, ct))
        {
            await copy.Write([new Row(1, null, null, null, null, null, null, null, null, null)], ct);
        }

        await using var count = new NpgsqlCommand("select count(*) from copied", connection);
        Assert.Equal(0L, await count.ExecuteScalarAsync(ct));
    }

    [Fact]
    public async Task says_which_row_the_server_refused()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var connection = await database.App.OpenConnectionAsync(ct);
        await Execute(connection, Create);
        await using var copy = await TableCopy<Row>.Begin(connection, Table, "copied", isNew: false, ct);
        await copy.Write([new Row(1, null, null, null, "\0", null, null, null, null, null)], ct);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => copy.End(ct));

        Assert.Equal(PostgresErrorCodes.CharacterNotInRepertoire, refused.SqlState);
    }

    [Fact]
    public void knows_every_pair_of_types_beforehand() =>
        Assert.Throws<NotSupportedException>(() => ReadTable<Row>.Column("place", "text", NpgsqlDbType.Text, row => row.Place));

    private static string Create =>
        $"create temporary table copied ({string.Join(", ", Table.Columns.Select(static column => $"{column.Name} {column.SqlType}"))})";

    private static string Told(Row row) =>
        $"{row with { Texts = null }} {row.Amount?.Scale} {(row.Texts is null ? "none" : string.Join('|', row.Texts))}";

    private static T? Or<T>(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? default : reader.GetFieldValue<T>(column);

    private async Task<List<T>> Copied<T>(Row[] rows, string select, Func<NpgsqlDataReader, T> read)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var connection = await database.App.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Execute(connection, Create);
        await using (var copy = await TableCopy<Row>.Begin(connection, Table, "copied", isNew: true, ct))
        {
            await copy.Write(rows, ct);
            await copy.End(ct);
        }

        var found = new List<T>();
        await using var command = new NpgsqlCommand(select, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            found.Add(read(reader));
        }

        return found;
    }

    private static async Task Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private sealed record Row(
        long Place, Guid? Id, int? Number, bool? Flag, string? Text, string? Json, string[]? Texts, decimal? Amount,
        DateTimeOffset? At, DateOnly? Day);
}
