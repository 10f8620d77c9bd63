using System.Security.Cryptography;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Sealing;
using Crm.EventStore.Tests.Log;
using Crm.Testing;
using static Crm.EventStore.Tests.Sealing.Meetings;

namespace Crm.EventStore.Tests.Sealing;

public sealed class Personal_data_in_the_log : IAsyncLifetime
{
    private readonly TestDatabase database = new();
    private EventLog? log;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private EventLog Log => log ?? throw new InvalidOperationException("The log is opened before each test.");

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        log = Open(database.App);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task stand_in_no_row_of_any_table()
    {
        var stream = Guid.NewGuid();
        var command = With(Why, stream, 0, Full, new Parted(3)) with
        {
            Receipt = Notes.ReceiptOf(stream, "key"),
            Bookmark = new Bookmark("scope", "key", "1"),
        };
        await Log.Append(command, Ct).Appended();
        await Log.Append(With(Why, stream, 2, Full), Ct).Appended();

        var rows = await AllRows();
        Assert.Contains("parted", rows, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, rows, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            "home,rank,sealed",
            await database.App.Scalar<string>(
                "select string_agg(k, ',' order by k) from crm.mt_events, jsonb_object_keys(data) k where seq_id = 1"));
        Assert.Equal(1, await database.App.Scalar<long>("select count(*) from crm.subject_keys where wrapped is not null"));
    }

    [Fact]
    public async Task are_read_by_whoever_reads_the_log()
    {
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await Log.Append(With(Why, one, 0, Full, new Parted(3)), Ct).Appended();
        await Log.Append(With(Why, two, 0, new Parted(1)), Ct).Appended();
        await Log.Append(With(Why, one, 2, Full with { Rank = 8 }), Ct).Appended();
        object[] expected = [Full, new Parted(3), Full with { Rank = 8 }];

        Assert.Equal(expected.Select(Text), (await Log.ReadForDecision(one, Ct)).Select(static read => Text(read.Data)));
        foreach (var read in new[]
        {
            await Log.ReadStream(one, Ct), await Log.ReadStreamAsOf(one, Notes.Noon, Ct), await Log.ReadStreamUpTo(one, 4, Ct),
            await Log.ReadStreamAsStored(one, Ct), await Log.ReadStreams([one], Ct), await Of(Log.ReadAfter(0, 10, Ct)),
            await Of(Pages(10)), await Of(Pages(1)),
        })
        {
            Assert.Equal(expected.Select(Text), read.Select(static recorded => Text(recorded.Data)));
            Assert.All(read, static recorded => Assert.Equal((Why, false), (recorded.Envelope, recorded.IsErased)));
        }

        async Task<IReadOnlyList<RecordedEvent>> Of(Task<IReadOnlyList<RecordedEvent>> all) =>
            [.. (await all).Where(each => each.StreamId == one)];
    }

    [Fact]
    public async Task need_no_key_where_there_are_none()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, new Parted(1)), Ct).Appended();
        Assert.Equal(0, await database.App.Scalar<long>("select count(*) from crm.subject_keys"));

        await Log.Append(Append(stream, 1, Full), Ct).Appended();
        Assert.Equal(1, await database.App.Scalar<long>("select count(*) from crm.subject_keys"));
        await Log.Append(Append(stream, 2, Full), Ct).Appended();
        Assert.Equal(3, (await Log.ReadStream(stream, Ct)).Count);
    }

    [Fact]
    public async Task get_no_key_from_an_append_that_is_refused()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, new Parted(1)), Ct).Appended();

        Assert.IsType<AppendOutcome.VersionConflict>(await Log.Append(Append(stream, 0, Full), Ct));
        Assert.IsType<AppendOutcome.VersionConflict>(await Log.Append(Append(stream, 7, Full), Ct));

        Assert.Equal(0, await database.App.Scalar<long>("select count(*) from crm.subject_keys"));
    }

    [Fact]
    public async Task have_one_key_however_many_hosts_race_for_the_first()
    {
        await using var other = Open(database.App);
        for (var round = 0; round < 10; round++)
        {
            var stream = Guid.NewGuid();
            await Log.Append(Append(stream, 0, new Parted(1)), Ct).Appended();
            var key = (await other.ReadForDecision(stream, Ct)).Key;
            var outcomes = await Task.WhenAll(
                new[] { Log, other, Log, other }
                    .Select((host, number) => host.Append(Decided(stream, 1, key, Full with { Rank = number }), Ct)));

            var won = Assert.Single(outcomes, static outcome => outcome is AppendOutcome.Appended);
            Assert.All(outcomes.Except([won]), static outcome => Assert.IsType<AppendOutcome.VersionConflict>(outcome));
            Assert.Equal(2, (await Log.ReadStream(stream, Ct)).Count);
        }

        await Notes.IsSound(database.App);
    }

    [Fact]
    public async Task cannot_change_places_unnoticed()
    {
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await Log.Append(With(Why, one, 0, Full, Full), Ct).Appended();
        await Log.Append(With(Why, two, 0, Full), Ct).Appended();

        await Tamper("update crm.mt_events e set data = o.data from crm.mt_events o where e.seq_id = 2 and o.seq_id = 1");
        await Assert.ThrowsAsync<LogCorruptException>(() => Log.ReadForDecision(one, Ct));
        Assert.Equal([1L, 3], Readable(await Log.ReadAfter(0, 10, Ct)));
        Assert.Equal([1L, 3], Readable(await Pages(10)));

        await Tamper("update crm.mt_events e set headers = o.headers from crm.mt_events o where e.seq_id = 3 and o.seq_id = 1");
        await Assert.ThrowsAsync<LogCorruptException>(() => Log.ReadStream(two, Ct));
        Assert.Equal([1L], Readable(await Log.ReadAfter(0, 10, Ct)));
        Assert.Equal([1L], Readable(await Pages(10)));
    }

    [Fact]
    public async Task are_never_taken_for_erased_where_their_key_is_lost()
    {
        var stream = Guid.NewGuid();
        await Log.Append(With(Why, stream, 0, Full, new Parted(1)), Ct).Appended();
        await Tamper("delete from crm.subject_keys");

        Assert.Equal(stream, (await Assert.ThrowsAsync<SubjectKeyMissingException>(() => Log.ReadForDecision(stream, Ct))).Stream);
        await Assert.ThrowsAsync<SubjectKeyMissingException>(() => Log.ReadStream(stream, Ct));
        foreach (var read in new[] { await Log.ReadAfter(0, 10, Ct), await Pages(10), await Log.ReadStreamAsStored(stream, Ct) })
        {
            // The second one's reason is sealed too.
            Assert.All(read, static recorded => Assert.IsType<UnreadableEvent>(recorded.Data));
            Assert.All(read, static recorded => Assert.False(recorded.IsErased));
        }
    }

    [Fact]
    public async Task are_not_read_with_another_key()
    {
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await Log.Append(Append(one, 0, Full), Ct).Appended();
        await Log.Append(Append(two, 0, Full), Ct).Appended();
        await Tamper("update crm.subject_keys k set wrapped = o.wrapped from crm.subject_keys o where o.stream_id <> k.stream_id");

        // A wrapped key belongs to its stream.
        var refused = await Assert.ThrowsAsync<LogCorruptException>(() => Log.ReadStream(one, Ct));
        Assert.Contains("does not open", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task stop_a_host_without_the_master_key_and_not_the_streams()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, Full), Ct).Appended();
        await using var wrong = Open(database.App, MasterKeys.Of(MasterKey.Of(RandomNumberGenerator.GetBytes(32))));

        // Not as an unreadable event, by which a projection would park the stream.
        await Assert.ThrowsAsync<MasterKeyUnknownException>(() => wrong.ReadAfter(0, 10, Ct));
        Assert.Equal(TestKeys.Key.Id, (await Assert.ThrowsAsync<MasterKeyUnknownException>(() => wrong.ReadForDecision(stream, Ct))).Id);
    }

    [Fact]
    public async Task of_before_they_were_sealed_are_read_as_they_are()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, new Parted(1)), Ct).Appended();
        await Tamper($"update crm.mt_events set type = 'met', data = '{Text(new Met("Ada", null, 7))}'");

        Assert.Equal(new Met("Ada", null, 7), Assert.Single(await Log.ReadStream(stream, Ct)).Data);
        await Log.Append(Append(stream, 1, Full), Ct).Appended();
        Assert.Equal(["Ada", Full.Name], (await Log.ReadForDecision(stream, Ct)).Select(static read => ((Met)read.Data).Name));
    }

    internal static async Task<AppendOutcome> Decided(EventLog host, Guid stream, object happened)
    {
        var history = await host.ReadForDecision(stream, Ct);
        return await host.Append(Decided(stream, history.Count, history.Key, happened), Ct);
    }

    private static AppendCommand Decided(Guid stream, long version, SubjectKey key, object happened)
    {
        var command = Append(stream, version, happened);
        return command with { Streams = [command.Streams[0] with { Key = key }] };
    }

    private static IEnumerable<long> Readable(IReadOnlyList<RecordedEvent> events) =>
        events.Where(static recorded => recorded.Data is not UnreadableEvent).Select(static recorded => recorded.Position);

    private async Task<IReadOnlyList<RecordedEvent>> Pages(int size)
    {
        var pages = new SharedPages(new LogPages(database.App, Catalog, TestKeys.Masters), size);
        var reading = new ReadingAhead(pages, new LogReading(await Log.LastPosition(Ct), Erased: 0), progress: null);
        var all = new List<RecordedEvent>();
        await foreach (var page in reading.Pages(Ct))
        {
            all.AddRange(page);
        }

        return [.. all.OrderBy(static recorded => recorded.Position)];
    }

    private Task Tamper(string sql) => database.Superuser.Execute(sql);

    private async Task<string> AllRows()
    {
        var tables = await database.Superuser.Scalar<string[]>(
            "select array_agg(oid::regclass::text) from pg_class where relnamespace = 'crm'::regnamespace and relkind = 'r'") ?? [];
        var rows = new System.Text.StringBuilder();
        foreach (var table in tables)
        {
            rows.AppendLine(await database.Superuser.Scalar<string>($"select coalesce(string_agg(t::text, E'\n'), '') from {table} t"));
        }

        return rows.ToString();
    }
}
