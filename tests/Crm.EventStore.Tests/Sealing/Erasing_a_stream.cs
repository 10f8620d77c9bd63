using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Sealing;
using Crm.EventStore.Tests.Log;
using Crm.Testing;
using static Crm.EventStore.Tests.Sealing.Meetings;

namespace Crm.EventStore.Tests.Sealing;

public sealed class Erasing_a_stream : IAsyncLifetime
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
    public async Task makes_its_personal_data_read_as_erased_by_everybody()
    {
        var (erased, kept) = (Guid.NewGuid(), Guid.NewGuid());
        await Log.Append(With(Why, erased, 0, Full, new Parted(3)), Ct).Appended();
        await Log.Append(With(Why, kept, 0, Full), Ct).Appended();

        await Log.Append(Erase(erased, 2), Ct).Appended();

        var gone = new Met("[erased]", null, 7, new Home(null, "GB"));
        Assert.Equal(
            [Text(gone), Text(new Parted(3)), Text(new Parted(0))],
            (await Log.ReadForDecision(erased, Ct)).Select(static read => Text(read.Data)));
        Assert.True((await Log.ReadForDecision(erased, Ct)).Key.IsDestroyed);
        foreach (var read in new[]
        {
            await Log.ReadAfter(0, 10, Ct), await new LogPages(database.App, Catalog, TestKeys.Masters).Read(LogPlace.Beginning, 4, 10, Ct),
            await Log.ReadStreams([erased, kept], Ct),
        })
        {
            var own = read.Where(recorded => recorded.StreamId == erased).ToList();
            Assert.Equal([Text(gone), Text(new Parted(3)), Text(new Parted(0))], own.Select(static recorded => Text(recorded.Data)));
            Assert.Equal([true, true, false], own.Select(static recorded => recorded.IsErased));
            Assert.All(own, static recorded => Assert.Equal(("ann", null), (recorded.Envelope.Actor, recorded.Envelope.Reason)));
            var other = Assert.Single(read, recorded => recorded.StreamId == kept);
            Assert.Equal((Text(Full), Why, false), (Text(other.Data), other.Envelope, other.IsErased));
        }

        Assert.Equal(1, await database.App.Scalar<long>(
            "select count(*) from crm.subject_keys k join crm.log_counter c on k.destroyed_at = c.recorded_at where k.wrapped is null"));
    }

    [Fact]
    public async Task takes_no_personal_data_any_more()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, Full), Ct).Appended();
        await Log.Append(Erase(stream, 1), Ct).Appended();

        Assert.Equal(stream, (await Assert.ThrowsAsync<SubjectErasedException>(() => Log.Append(Append(stream, 2, Full), Ct))).Stream);
        await Assert.ThrowsAsync<SubjectErasedException>(() => Personal_data_in_the_log.Decided(Log, stream, Full));

        // What is not personal it still takes; a reason could not be sealed, and is not kept.
        await Log.Append(With(Why, stream, 2, new Parted(9)), Ct).Appended();
        Assert.Null((await Log.ReadStream(stream, Ct))[^1].Envelope.Reason);
    }

    [Fact]
    public async Task without_a_key_keeps_it_from_ever_getting_one()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, new Parted(1)), Ct).Appended();
        await Log.Append(Erase(stream, 1), Ct).Appended();

        await Assert.ThrowsAsync<SubjectErasedException>(() => Log.Append(Append(stream, 2, Full), Ct));
    }

    [Fact]
    public async Task destroys_nothing_where_the_stream_has_moved_on_meanwhile()
    {
        var stream = Guid.NewGuid();
        await Log.Append(Append(stream, 0, Full), Ct).Appended();

        Assert.IsType<AppendOutcome.VersionConflict>(await Log.Append(Erase(stream, 7), Ct));
        Assert.Equal(Text(Full), Text(Assert.Single(await Log.ReadStream(stream, Ct)).Data));

        // Nor one that the command does not even look at.
        await Assert.ThrowsAsync<ArgumentException>(() => Log.Append(Append(Guid.NewGuid(), 0, Full) with { Erases = [stream] }, Ct));
    }

    [Fact]
    public async Task leaves_nothing_readable_behind_whoever_writes_at_the_same_moment()
    {
        await using var other = Open(database.App);
        for (var round = 0; round < 10; round++)
        {
            var stream = Guid.NewGuid();
            await Log.Append(Append(stream, 0, Full), Ct).Appended();
            var write = Personal_data_in_the_log.Decided(other, stream, Full);
            if (await Log.Append(Erase(stream, 1), Ct) is not AppendOutcome.Appended)
            {
                await Log.Append(Erase(stream, 2), Ct).Appended();
            }

            try
            {
                await write;
            }
            catch (SubjectErasedException)
            {
                // It came to read when the key was gone.
            }

            Assert.All(
                await Log.ReadStream(stream, Ct),
                static recorded => Assert.DoesNotContain(Secret, Text(recorded.Data), StringComparison.Ordinal));
        }
    }

    private static AppendCommand Erase(Guid stream, long version) => Append(stream, version, new Parted(0)) with { Erases = [stream] };
}
