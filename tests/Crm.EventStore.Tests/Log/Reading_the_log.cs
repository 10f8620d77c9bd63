using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;
using Npgsql;
using static Crm.EventStore.Tests.Log.Notes;

namespace Crm.EventStore.Tests.Log;

public class Reading_the_log
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task goes_forward_from_a_position_in_pages_without_a_gap()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await Fill(log, 25);

        Assert.Equal([1, 2, 3, 4], (await log.ReadAfter(0, 4, Ct)).Select(recorded => recorded.Position));
        Assert.Equal([24, 25], (await log.ReadAfter(23, 4, Ct)).Select(recorded => recorded.Position));
        Assert.Empty(await log.ReadAfter(25, 4, Ct));
        Assert.Equal(25, await log.LastPosition(Ct));
    }

    [Fact]
    public async Task stops_at_a_hole_and_names_it()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await Fill(log, 10);
        await database.Superuser.Execute("delete from crm.mt_events where seq_id in (5, 6)");

        var corrupt = await Assert.ThrowsAsync<LogCorruptException>(() => log.ReadAfter(0, 100, Ct));

        Assert.Contains("position 5 is missing", corrupt.Message, StringComparison.Ordinal);
        Assert.Equal([3, 4], (await log.ReadAfter(2, 2, Ct)).Select(recorded => recorded.Position));
        await Assert.ThrowsAsync<LogCorruptException>(() => log.ReadAfter(4, 1, Ct));
        await Assert.ThrowsAsync<LogCorruptException>(() => new LogTail(log).ReadAfter(0, 100, Ct));
    }

    [Fact]
    public async Task goes_on_past_an_event_of_an_unknown_type_and_stops_in_its_stream()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await Fill(log, 3);
        await database.Superuser.Execute("update crm.mt_events set type = 'from-the-future' where seq_id = 2");

        var events = await log.ReadAfter(0, 100, Ct);

        Assert.Equal([typeof(Noted), typeof(UnreadableEvent), typeof(Noted)], events.Select(recorded => recorded.Data.GetType()));
        var corrupt = await Assert.ThrowsAsync<LogCorruptException>(() => log.ReadStream(events[1].StreamId, Ct));
        Assert.Contains("from-the-future", corrupt.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task gives_a_stream_by_version_by_time_and_by_position()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        var stream = Guid.NewGuid();
        // The third event came with an earlier time than the second: it counts from the second's time on.
        int[] hours = [1, 5, 3, 8];
        foreach (var (hour, version) in hours.Select((hour, version) => (hour, version)))
        {
            await log.Append(Append(Guid.NewGuid(), 0, "another stream"), Ct);
            var happened = new NewEvent(Guid.NewGuid(), new Noted("a"), Noon.AddHours(hour));
            await log.Append(Command(On(stream, version, happened)), Ct).Appended();
        }

        Assert.Equal([2, 3], Versions(await log.ReadStream(stream, Ct, from: 2, to: 3)));
        Assert.Equal([1, 2, 3, 4], Versions(await log.ReadStream(stream, Ct)));
        Assert.Empty(await log.ReadStreamAsOf(stream, Noon, Ct));
        Assert.Equal([1], Versions(await log.ReadStreamAsOf(stream, Noon.AddHours(4), Ct)));
        Assert.Equal([1, 2, 3], Versions(await log.ReadStreamAsOf(stream, Noon.AddHours(5), Ct)));
        Assert.Equal([1, 2, 3, 4], Versions(await log.ReadStreamAsOf(stream, Noon.AddHours(8), Ct)));
        Assert.Equal([1, 2], Versions(await log.ReadStreamUpTo(stream, 5, Ct)));
        Assert.Empty(await log.ReadStream(Guid.NewGuid(), Ct));
    }

    [Fact]
    public async Task gives_many_streams_at_once_to_each_who_asks_and_long_ones_whole()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        var streams = Enumerable.Range(0, 300).Select(_ => Guid.NewGuid()).ToArray();
        await Task.WhenAll(streams.Select((stream, number) =>
            log.Append(Append(stream, 0, [.. Enumerable.Repeat("a", 1 + (number % 5))]), Ct)));
        var longOne = Guid.NewGuid();
        await log.Append(Append(longOne, 0, [.. Enumerable.Repeat("a", 2_500)]), Ct).Appended();

        var read = await Task.WhenAll(
            streams.Concat(streams).Append(longOne).Append(Guid.NewGuid()).Select(stream => log.ReadStream(stream, Ct)));

        for (var number = 0; number < 600; number++)
        {
            Assert.Equal(Enumerable.Range(1, 1 + (number % 300 % 5)).Select(version => (long)version), Versions(read[number]));
            Assert.All(read[number], recorded => Assert.Equal(streams[number % 300], recorded.StreamId));
        }

        Assert.Equal(Enumerable.Range(1, 2_500).Select(version => (long)version), Versions(read[600]));
        Assert.Empty(read[601]);
    }

    [Fact]
    public async Task finds_the_position_of_a_time_of_recording()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        Assert.Equal(0, await log.PositionAt(Noon, Ct));
        await Fill(log, 40);
        var events = await log.ReadAfter(0, 100, Ct);

        Assert.Equal(0, await log.PositionAt(events[0].RecordedAt.AddMicroseconds(-1), Ct));
        Assert.Equal(40, await log.PositionAt(events[^1].RecordedAt.AddDays(1), Ct));
        foreach (var recordedAt in events.Select(recorded => recorded.RecordedAt).Distinct())
        {
            Assert.Equal(events.Last(recorded => recorded.RecordedAt <= recordedAt).Position, await log.PositionAt(recordedAt, Ct));
            Assert.Equal(
                events.Count(recorded => recorded.RecordedAt < recordedAt), await log.PositionAt(recordedAt.AddMicroseconds(-1), Ct));
        }
    }

    [Fact]
    public async Task finds_times_that_never_run_backwards_though_the_clock_does()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        var tomorrow = new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await database.Superuser.Execute("update crm.log_counter set recorded_at = '2090-01-01 00:00:00Z'");

        Assert.Equal(tomorrow, (await log.Append(Append(Guid.NewGuid(), 0, "a"), Ct).Appended()).RecordedAt);
        Assert.Equal(tomorrow, (await log.Append(Append(Guid.NewGuid(), 0, "b"), Ct).Appended()).RecordedAt);
    }

    [Fact]
    public async Task through_the_tail_gives_the_same_events_wherever_one_begins()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await Fill(log, 95);
        var tail = new LogTail(log, capacity: 20);

        for (var round = 0; round < 2; round++)
        {
            foreach (var after in new long[] { 0, 90, 95, 74, 75, 76, 3, 100 })
            {
                var expected = await log.ReadAfter(after, 7, Ct);
                var read = await tail.ReadAfter(after, 7, Ct);
                Assert.Equal(expected.Take(read.Count).Select(recorded => recorded.Id), read.Select(recorded => recorded.Id));
                Assert.True(read.Count > 0 || expected.Count == 0);
            }

            await Fill(log, 10);
        }
    }

    [Fact]
    public async Task through_the_tail_decodes_each_event_once_for_all_that_follow()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        var tail = new LogTail(log);
        Assert.Empty(await tail.ReadAfter(0, 100, Ct));
        await Fill(log, 50);

        var reads = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => tail.ReadAfter(0, 100, Ct)));

        Assert.All(reads, read => Assert.Equal(50, read.Count));
        Assert.All(reads, read => Assert.Same(reads[0][49], read[49]));
    }

    [Theory]
    [InlineData("ReadStream")]
    [InlineData("ReadStreams")]
    [InlineData("ReadStreamAsOf")]
    [InlineData("ReadStreamUpTo")]
    [InlineData("ReadAfter")]
    [InlineData("LastPosition")]
    [InlineData("PositionAt")]
    [InlineData("FindHolder")]
    [InlineData("FindReceipt")]
    [InlineData("ReadBookmark")]
    [InlineData("a page of a rebuild")]
    public async Task reaches_its_rows_by_an_index(string query)
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await Fill(log, 2_000);
        await database.Owner.Execute("analyze crm.mt_events, crm.mt_streams, crm.unique_keys, crm.receipts, crm.bookmarks");

        var plan = await Plan(database.App, query switch
        {
            "ReadStream" => LogReader.StreamSql,
            "ReadStreams" => StreamReads.Sql.Replace("$1", "$1::uuid[]", StringComparison.Ordinal),
            "ReadStreamAsOf" => LogReader.StreamAsOfSql,
            "ReadStreamUpTo" => LogReader.StreamUpToSql,
            "ReadAfter" => LogReader.AfterSql,
            "LastPosition" => LogReader.LastSql,
            "PositionAt" => LogReader.PositionAtSql,
            "FindHolder" => LogReader.HolderSql,
            "FindReceipt" => LogReader.ReceiptSql,
            "a page of a rebuild" => $"{LogPages.Select} limit 100",
            _ => LogReader.BookmarkSql,
        });

        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
        Assert.Contains("Index", plan, StringComparison.Ordinal);
    }

    private static async Task<string> Plan(NpgsqlDataSource database, string sql)
    {
        await using var connection = await database.OpenConnectionAsync(Ct);
        // The plan without values is the one for all of them.
        string[] steps =
        [
            "set plan_cache_mode = force_generic_plan", "set enable_seqscan = on",
            "set crm.stream = '80000000-0000-0000-0000-000000000000'", "set crm.version = 1", "set crm.upto = 1000000",
            $"prepare query as {sql}",
        ];
        foreach (var step in steps)
        {
            await using var command = new NpgsqlCommand(step, connection);
            await command.ExecuteNonQueryAsync(Ct);
        }

        var parameters = Enumerable.Range(1, 9).Where(place => sql.Contains($"${place}", StringComparison.Ordinal));
        var values = string.Join(", ", parameters.Select(_ => "null"));
        await using var explain = new NpgsqlCommand($"explain execute query{(values.Length > 0 ? $"({values})" : "")}", connection);
        await using var reader = await explain.ExecuteReaderAsync(Ct);
        var lines = new List<string>();
        while (await reader.ReadAsync(Ct))
        {
            lines.Add(reader.GetString(0));
        }

        return string.Join('\n', lines);
    }

    private static IEnumerable<long> Versions(IReadOnlyList<RecordedEvent> events) => events.Select(recorded => recorded.Version);

    private static async Task Fill(EventLog log, int count)
    {
        await Task.WhenAll(Enumerable.Range(0, count).Select(number =>
        {
            var stream = Guid.NewGuid();
            return log.Append(
                Append(stream, 0, $"{number}") with
                {
                    Claims = [Key($"{stream}", stream)],
                    Receipt = ReceiptOf(stream, $"{stream}"),
                    Bookmark = new Bookmark("fill", $"{stream}", "x"),
                },
                Ct).Appended();
        }));
    }
}
