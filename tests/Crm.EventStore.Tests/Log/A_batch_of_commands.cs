using System.Text.Json;
using Crm.EventStore.Log;
using Crm.Testing;
using static Crm.EventStore.Tests.Log.Notes;

namespace Crm.EventStore.Tests.Log;

public class A_batch_of_commands(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task gives_each_command_an_outcome_of_its_own()
    {
        await using var log = Open(database.App);
        var (there, holder) = (Guid.NewGuid(), Guid.NewGuid());
        await log.Append(Append(there, 0, "a", "b"), Ct).Appended();
        var holding = Append(holder, 0, "a") with { Claims = [Key($"k{holder}", holder)], Receipt = ReceiptOf(holder, $"r{holder}") };
        await log.Append(holding, Ct).Appended();
        var before = await log.LastPosition(Ct);

        var outcomes = await TogetherIn(log, number => (number % 5) switch
        {
            0 => Append(Guid.NewGuid(), 0, "good", "and good"),
            1 => Append(there, 1, "stale"),
            2 => WithKey(Guid.NewGuid(), $"k{holder}"),
            3 => Append(Guid.NewGuid(), 0, "done before") with { Receipt = ReceiptOf(holder, $"r{holder}") },
            _ => Command(On(Guid.NewGuid(), 0, Note("new")), On(there, 0, Note("taken"))),
        });

        for (var number = 0; number < outcomes.Length; number++)
        {
            Assert.Equal(
                (number % 5) switch
                {
                    0 => typeof(AppendOutcome.Appended),
                    2 => typeof(AppendOutcome.KeyTaken),
                    3 => typeof(AppendOutcome.AlreadyDone),
                    _ => typeof(AppendOutcome.VersionConflict),
                },
                outcomes[number].GetType());
        }

        Assert.Equal(before + (2 * outcomes.OfType<AppendOutcome.Appended>().Count()), await log.LastPosition(Ct));
        await IsSound(database.App);
    }

    [Fact]
    public async Task tells_each_command_the_position_of_its_own_last_event()
    {
        await using var log = Open(database.App);
        var streams = Enumerable.Range(0, 100).Select(_ => Guid.NewGuid()).ToArray();

        var outcomes = await TogetherIn(log, number => Append(streams[number], number % 3 == 0 ? 7 : 0, "a", "b") with
        {
            Receipt = ReceiptOf(streams[number], $"r{streams[number]}"),
        });

        for (var number = 0; number < streams.Length; number++)
        {
            var events = await log.ReadStream(streams[number], Ct);
            Assert.Equal(number % 3 == 0 ? 0 : 2, events.Count);
            if (outcomes[number] is AppendOutcome.Appended appended)
            {
                Assert.Equal(events[1].Position, appended.LastPosition);
                Assert.Equal(events[1].RecordedAt, appended.RecordedAt);
                var stored = await log.FindReceipt("caller", $"r{streams[number]}", Ct);
                Assert.Equal((appended.LastPosition, appended.RecordedAt), (stored?.Position, stored?.RecordedAt));
            }
        }
    }

    [Fact]
    public async Task keeps_two_commands_on_one_stream_apart()
    {
        await using var log = Open(database.App);
        var stream = Guid.NewGuid();

        var outcomes = await TogetherIn(log, number => Append(stream, number, $"{number}"));

        // Sent at one moment and in order, each finds the version that the one before it left.
        Assert.All(outcomes, outcome => Assert.IsType<AppendOutcome.Appended>(outcome));
        Assert.Equal(100, (await log.ReadStream(stream, Ct)).Count);
        await IsSound(database.App);
    }

    [Fact]
    public async Task lets_one_of_those_win_that_want_the_same_key_or_carry_the_same_receipt()
    {
        await using var log = Open(database.App);
        var key = $"k{Guid.NewGuid()}";

        var claims = await TogetherIn(log, _ => WithKey(Guid.NewGuid(), key));
        var receipts = await TogetherIn(log, _ =>
        {
            var stream = Guid.NewGuid();
            return Append(stream, 0, "a") with { Receipt = ReceiptOf(stream, key) };
        });

        Assert.Single(claims.OfType<AppendOutcome.Appended>());
        Assert.Equal(99, claims.OfType<AppendOutcome.KeyTaken>().Count());
        var won = Assert.Single(receipts.OfType<AppendOutcome.Appended>());
        Assert.All(receipts.OfType<AppendOutcome.AlreadyDone>(), done => Assert.Equal(won.LastPosition, done.Stored.Position));
    }

    public static TheoryData<string> Unstorable { get; } =
        ["NUL in an event", "NUL in raw JSON", "half a pair in raw JSON", "NUL in the reason", "half a pair in the reason", "NUL in a key"];

    [Theory]
    [MemberData(nameof(Unstorable))]
    public async Task is_not_touched_by_a_command_with_text_that_cannot_be_stored(string what)
    {
        await using var log = Open(database.App);
        var bad = Guid.NewGuid();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(number =>
            Fault(log, number == 50 ? Broken(bad, what) : Append(Guid.NewGuid(), 0, "good"))));

        Assert.IsType<ArgumentException>(outcomes[50]);
        Assert.Equal(99, outcomes.Count(fault => fault is null));
        Assert.Empty(await log.ReadStream(bad, Ct));
    }

    [Fact]
    public async Task is_not_touched_by_a_command_that_only_the_database_can_refuse()
    {
        await using var log = Open(database.App);
        var bad = Guid.NewGuid();
        using var number = JsonDocument.Parse("1e200000");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(place =>
            Fault(log, place == 50 ? WithRaw(bad, number.RootElement) : Append(Guid.NewGuid(), 0, "good"))));

        Assert.IsType<ArgumentException>(outcomes[50]);
        Assert.Equal(99, outcomes.Count(fault => fault is null));
        Assert.Empty(await log.ReadStream(bad, Ct));
        await IsSound(database.App);
    }

    [Fact]
    public async Task leaves_out_a_command_that_was_withdrawn_before_its_turn()
    {
        await using var log = Open(database.App);
        using var withdrawn = new CancellationTokenSource();
        await using var blocker = await StreamLock.Counter(database.App, Ct);
        var first = log.Append(Append(Guid.NewGuid(), 0, "on its way"), Ct);
        await blocker.IsWaitedFor(database.Superuser, Ct);
        var stream = Guid.NewGuid();
        var second = log.Append(Append(stream, 0, "still waiting"), withdrawn.Token);

        await withdrawn.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await blocker.Rollback();
        await first.Appended();
        await log.Append(Append(Guid.NewGuid(), 0, "after it"), Ct).Appended();
        Assert.Empty(await log.ReadStream(stream, Ct));
    }

    private static Task<AppendOutcome[]> TogetherIn(EventLog log, Func<int, AppendCommand> command) =>
        Task.WhenAll(Enumerable.Range(0, 100).Select(command).ToList().Select(one => log.Append(one, Ct)));

    private static async Task<Exception?> Fault(EventLog log, AppendCommand command) =>
        await Record.ExceptionAsync(() => log.Append(command, Ct));

    private static AppendCommand WithKey(Guid stream, string key) =>
        Append(stream, 0, "wants the key") with { Claims = [Key(key, stream)] };

    private static AppendCommand WithRaw(Guid stream, JsonElement raw) =>
        Command(On(stream, 0, new NewEvent(Guid.NewGuid(), new Noted("raw", 1, raw.Clone()), Noon)));

    private static AppendCommand Broken(Guid stream, string what) => what switch
    {
        "NUL in an event" => Append(stream, 0, "a\0b"),
        "NUL in raw JSON" => WithRaw(stream, JsonDocument.Parse("""{"a":"\\\u0000"}""").RootElement),
        "half a pair in raw JSON" => WithRaw(stream, JsonDocument.Parse("""{"a":"\ud83d\n\ude00"}""").RootElement),
        "NUL in the reason" => Append(stream, 0, "a") with { Envelope = Ann with { Reason = "a\0b" } },
        "half a pair in the reason" => Append(stream, 0, "a") with { Envelope = Ann with { Reason = "a\ud83d" } },
        "NUL in a key" => WithKey(stream, "a\0b"),
        _ => throw new ArgumentOutOfRangeException(nameof(what), what, message: null),
    };
}
