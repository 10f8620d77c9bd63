using Crm.EventStore.Log;
using Crm.Testing;
using static Crm.EventStore.Tests.Log.Notes;

namespace Crm.EventStore.Tests.Log;

public class Appending_to_the_log(TestDatabase database) : IClassFixture<TestDatabase>
{
    private readonly Guid stream = Guid.NewGuid();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task brings_events_back_as_they_were_with_their_envelope_and_both_times()
    {
        await using var log = Open(database.App);
        var envelope = new Envelope("ann", "bob", "request-1", "cause-2", "because \"so\" ü 😀", "bulk-3", "key-4");
        var first = new NewEvent(Guid.NewGuid(), new Noted("ä \"quoted\" \\ 😀\n", 7), Noon.AddTicks(10));
        var second = new NewEvent(Guid.NewGuid(), new Finished(), Noon.AddDays(1)) { Envelope = new Envelope(Actor: null) };

        var appended = await log.Append(new AppendCommand([On(stream, 0, first, second)], envelope), Ct).Appended();

        Assert.Equal(
            [
                new(appended.LastPosition - 1, first.Id, stream, 1, "noted", first.Data, first.At, appended.RecordedAt, envelope),
                new(appended.LastPosition, second.Id, stream, 2, "finished", second.Data, second.At, appended.RecordedAt, new(Actor: null)),
            ],
            await log.ReadStream(stream, Ct));
        Assert.Equal(2, (await log.ReadAfter(appended.LastPosition - 2, 10, Ct)).Count(recorded => recorded.StreamId == stream));
        Assert.True(log.Position.Known >= appended.LastPosition);
    }

    [Fact]
    public async Task writes_what_Marten_reads()
    {
        await using var log = Open(database.App);
        await log.Append(Append(stream, 0, "a", "b"), Ct).Appended();

        Assert.Equal(
            $"note|2|*DEFAULT*|False|noted|{typeof(Noted).FullName}, Crm.EventStore.Tests|request-1|{{\"text\": \"a\", \"number\": 0}}",
            await database.App.Scalar<string>(
                $"""
                select concat_ws('|', s.type, s.version, s.tenant_id, initcap(s.is_archived::text),
                    e.type, e.mt_dotnet_type, e.correlation_id, e.data)
                from crm.mt_streams s join crm.mt_events e on e.stream_id = s.id and e.version = 1 where s.id = '{stream}'
                """));
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(3, 2)]
    public async Task at_another_version_than_the_expected_is_a_conflict_that_names_both(long expected, long actual)
    {
        await using var log = Open(database.App);
        await log.Append(Append(stream, 0, "a", "b"), Ct).Appended();

        Assert.Equal(new AppendOutcome.VersionConflict(stream, expected, actual), await log.Append(Append(stream, expected, "c"), Ct));
        Assert.Equal(2, (await log.ReadStream(stream, Ct)).Count);
    }

    [Fact]
    public async Task to_a_stream_that_is_not_there_is_a_conflict_with_version_zero()
    {
        await using var log = Open(database.App);

        Assert.Equal(new AppendOutcome.VersionConflict(stream, 4, 0), await log.Append(Append(stream, 4, "a"), Ct));
    }

    [Fact]
    public async Task without_events_checks_the_version_only()
    {
        await using var log = Open(database.App);
        var before = await log.Append(Append(stream, 0, "a"), Ct).Appended();

        Assert.Equal(before.LastPosition, (await log.Append(Append(stream, 1), Ct).Appended()).LastPosition);
        Assert.Equal(new AppendOutcome.VersionConflict(stream, 0, 1), await log.Append(Append(stream, 0), Ct));
        Assert.IsType<AppendOutcome.Appended>(await log.Append(Append(Guid.NewGuid(), 0), Ct));
    }

    [Fact]
    public async Task to_several_streams_is_all_or_nothing_whichever_part_fails()
    {
        await using var log = Open(database.App);
        var (taken, other) = (Guid.NewGuid(), Guid.NewGuid());
        var first = Append(stream, 0, "a") with { Claims = [Key($"x{stream}", stream)], Receipt = ReceiptOf(stream, $"r{stream}") };
        await log.Append(first, Ct).Appended();
        await log.Append(Append(taken, 0, "a"), Ct).Appended();
        var before = await log.LastPosition(Ct);
        var whole = Command(On(other, 0, Note("new")), On(stream, 1, Note("goes on")));

        Assert.IsType<AppendOutcome.VersionConflict>(await log.Append(Command([.. whole.Streams, On(taken, 0, Note("not new"))]), Ct));
        Assert.IsType<AppendOutcome.VersionConflict>(await log.Append(Command([.. whole.Streams, On(taken, 2, Note("not at 2"))]), Ct));
        Assert.Equal(
            new AppendOutcome.KeyTaken(Key($"x{stream}", other), stream),
            await log.Append(whole with { Claims = [Key($"free{other}", other), Key($"x{stream}", other)] }, Ct));
        Assert.IsType<AppendOutcome.AlreadyDone>(await log.Append(whole with { Receipt = ReceiptOf(other, $"r{stream}") }, Ct));

        Assert.Equal(before, await log.LastPosition(Ct));
        Assert.Empty(await log.ReadStream(other, Ct));
        Assert.Null(await log.FindHolder("number", $"free{other}", Ct));
        Assert.Equal(before + 2, (await log.Append(whole, Ct).Appended()).LastPosition);
        await IsSound(database.App);
    }

    [Fact]
    public async Task with_a_receipt_happens_once_and_tells_what_was_answered()
    {
        await using var log = Open(database.App);
        var receipt = new Receipt("caller", $"k{stream}", [9, 8], 201, stream, 2, ["noted", "noted"], "{\"a\":1}");
        var appended = await log.Append(Append(stream, 0, "a", "b") with { Receipt = receipt }, Ct).Appended();

        var again = Assert.IsType<AppendOutcome.AlreadyDone>(await log.Append(Append(stream, 0, "a", "b") with { Receipt = receipt }, Ct));

        Assert.Equivalent(new StoredReceipt(receipt, appended.LastPosition, appended.RecordedAt), again.Stored, strict: true);
        Assert.Equivalent(again.Stored, await log.FindReceipt("caller", $"k{stream}", Ct), strict: true);
        Assert.Null(await log.FindReceipt("another caller", $"k{stream}", Ct));

        // Those of other specifications may go; this one is not older than itself.
        await log.PruneReceipts(appended.RecordedAt, Ct);
        Assert.NotNull(await log.FindReceipt("caller", $"k{stream}", Ct));
    }

    [Fact]
    public async Task keeps_a_receipt_of_an_answer_without_events_or_stream()
    {
        await using var log = Open(database.App);
        var receipt = new Receipt("caller", $"k{stream}", [1], 409, StreamId: null, 0, [], "{\"code\":\"no\"}");

        await log.Append(new AppendCommand([], Ann) { Receipt = receipt }, Ct).Appended();

        Assert.Equivalent(receipt, (await log.FindReceipt("caller", $"k{stream}", Ct))?.Receipt, strict: true);
    }

    [Fact]
    public async Task claims_a_key_for_one_stream_only_until_it_is_released()
    {
        await using var log = Open(database.App);
        var (other, key) = (Guid.NewGuid(), $"k{stream}");
        await log.Append(Append(stream, 0, "a") with { Claims = [Key(key, stream)] }, Ct).Appended();
        await log.Append(Append(stream, 1, "again, by its holder") with { Claims = [Key(key, stream)] }, Ct).Appended();

        Assert.Equal(
            new AppendOutcome.KeyTaken(Key(key, other), stream), await log.Append(Append(other, 0, "a") with { Claims = [Key(key, other)] }, Ct));
        await log.Append(Append(other, 0, "not the holder") with { Releases = [Key(key, other)] }, Ct).Appended();
        Assert.Equal(stream, await log.FindHolder("number", key, Ct));

        await log.Append(Append(stream, 2, "gives it up") with { Releases = [Key(key, stream)] }, Ct).Appended();
        Assert.Null(await log.FindHolder("number", key, Ct));
        await log.Append(Append(other, 1, "takes it") with { Claims = [Key(key, other)] }, Ct).Appended();
        Assert.Equal(other, await log.FindHolder("number", key, Ct));
    }

    [Fact]
    public async Task passes_a_key_from_one_stream_to_another_in_one_command()
    {
        await using var log = Open(database.App);
        var (other, key) = (Guid.NewGuid(), $"k{stream}");
        await log.Append(Append(stream, 0, "a") with { Claims = [Key(key, stream)] }, Ct).Appended();

        var passing = Command(On(stream, 1, Note("gives")), On(other, 0, Note("takes")));
        await log.Append(passing with { Claims = [Key(key, other)], Releases = [Key(key, stream)] }, Ct).Appended();

        Assert.Equal(other, await log.FindHolder("number", key, Ct));
    }

    [Fact]
    public async Task writes_a_bookmark_with_the_events_and_not_without_them()
    {
        await using var log = Open(database.App);
        await log.Append(Append(stream, 0, "a") with { Bookmark = new Bookmark("import", $"{stream}", "row 1") }, Ct).Appended();
        await log.Append(Append(stream, 1, "b") with { Bookmark = new Bookmark("import", $"{stream}", "row 2") }, Ct).Appended();
        Assert.IsType<AppendOutcome.VersionConflict>(
            await log.Append(Append(stream, 1, "c") with { Bookmark = new Bookmark("import", $"{stream}", "row 3") }, Ct));

        Assert.Equal("row 2", await log.ReadBookmark("import", $"{stream}", Ct));
        Assert.Null(await log.ReadBookmark("import", "another", Ct));
    }

    [Fact]
    public async Task refuses_a_command_that_contradicts_itself()
    {
        await using var log = Open(database.App);

        await Assert.ThrowsAsync<ArgumentException>(() => log.Append(Command(On(stream, 0, Note("a")), On(stream, 1, Note("b"))), Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => log.Append(Append(stream, -1, "a"), Ct));
        await Assert.ThrowsAsync<ArgumentException>(
            () => log.Append(Append(stream, 0, "a") with { Claims = [Key("k", stream), Key("k", Guid.NewGuid())] }, Ct));
    }
}
