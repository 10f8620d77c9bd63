using System.Diagnostics;
using System.Security.Cryptography;
using Crm.Application.Seeding;
using Crm.Domain.Leads;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;

namespace Crm.Application.Tests.Archives;

public sealed class Archiving_the_log : ArchiveStage
{
    [Fact]
    public async Task holds_every_event_and_counts_them()
    {
        var report = await Backup();

        var events = await Log.LastPosition(Ct);
        Assert.Equal((events, events), (report.Position, report.AddedEvents));
        Assert.Equal(60, report.Counts.Of("lead-captured"));
        Assert.Equal(await One<long>(Source.App, "select count(*) from crm.mt_streams"), report.Counts.Streams);
        Assert.Equal((events + SegmentEvents - 1) / SegmentEvents, Segments().Count);
        var check = await ArchiveCheck.Run(Folder, key: null, progress: null, Ct);
        Assert.True(check.IsWhole, string.Join(' ', check.Damages));
        Assert.True(check.Counts.Same(report.Counts));
    }

    [Fact]
    public async Task adds_only_what_came_since()
    {
        await Backup();
        var before = Segments().ToDictionary(static file => file, File.GetLastWriteTimeUtc, StringComparer.Ordinal);
        var (nothing, held) = (await Backup(), await Log.LastPosition(Ct));
        await LeadSeed.To(Log, 90, seed: 7, Now, progress: null, Ct);

        var report = await Backup();

        Assert.Equal((0, held), (nothing.AddedSegments, nothing.Position));
        Assert.Equal(await Log.LastPosition(Ct) - held, report.AddedEvents);
        Assert.All(before, file => Assert.Equal(file.Value, File.GetLastWriteTimeUtc(file.Key)));
        Assert.True((await ArchiveCheck.Run(Folder, key: null, progress: null, Ct)).IsWhole);
        Assert.Equal(3, (await Folder.Read(key: null, Ct)).Runs.Count);
    }

    [Fact]
    public async Task goes_on_while_others_write()
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var written = 0;
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                var captured = new NewEvent(Guid.CreateVersion7(), new LeadCaptured(LeadDetails.Unknown, 0, 1), Now);
                await Log.Append(new AppendCommand([new StreamAppend(Guid.CreateVersion7(), "lead", 0, [captured])], Envelope.System), Ct);
                Interlocked.Increment(ref written);
            }
        })).ToList();
        await Testing.Eventually.IsTrue(() => Task.FromResult(Volatile.Read(ref written) > 20), Ct);

        var first = await Backup();
        var between = Volatile.Read(ref written);
        await Testing.Eventually.IsTrue(() => Task.FromResult(Volatile.Read(ref written) > between + 20), Ct);
        var second = await Backup();
        await enough.CancelAsync();
        await Task.WhenAll(writers);

        Assert.True(second.Position > first.Position);
        var check = await ArchiveCheck.Run(Folder, key: null, progress: null, Ct);
        Assert.True(check.IsWhole, string.Join(' ', check.Damages));
        Assert.Equal(second.Position, check.Counts.Events);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public async Task goes_on_after_it_was_interrupted(double fraction)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Backup(progress: new StoppingAt(at => at.Fraction >= fraction, stop), ct: stop.Token));
        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Folder.Read(key: null, Ct));

        var report = await Backup();

        Assert.True(report.TakenOver > 0);
        Assert.Equal(await Log.LastPosition(Ct), report.AddedEvents);
        Assert.True((await ArchiveCheck.Run(Folder, key: null, progress: null, Ct)).IsWhole);
        Assert.DoesNotContain(Directory.GetFiles(Folder.Root, "*", SearchOption.AllDirectories), static file => file.EndsWith(".part", StringComparison.Ordinal));
    }

    [Fact]
    public async Task does_not_trust_what_an_interrupted_run_has_left()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Backup(progress: new StoppingAt(static at => at.Fraction >= 0.5, stop), ct: stop.Token));
        await File.WriteAllBytesAsync(Segments()[0], [1, 2, 3], Ct);

        await Backup();

        Assert.True((await ArchiveCheck.Run(Folder, key: null, progress: null, Ct)).IsWhole);
    }

    [Fact]
    public async Task refuses_the_folder_of_another_log()
    {
        await Backup();
        await Execute(Source.Superuser, "update crm.mt_events set id = gen_random_uuid() where seq_id = 1");

        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup());
    }

    [Fact]
    public async Task refuses_to_add_a_log_that_went_another_way()
    {
        await Backup();
        var last = await Log.LastPosition(Ct);
        await Execute(Source.Superuser, $"update crm.mt_events set id = gen_random_uuid() where seq_id = {last}");

        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup());
    }

    [Fact]
    public async Task stops_at_a_hole_in_the_log()
    {
        await Execute(Source.Superuser, "delete from crm.mt_events where seq_id = 150");

        var fault = await Assert.ThrowsAsync<LogCorruptException>(() => Backup());

        Assert.Contains("150", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task lets_one_run_write_at_a_time()
    {
        var second = "";
        await Backup(progress: new Telling(async () =>
        {
            second = (await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup())).Message;
        }));

        Assert.Contains("Another backup", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task keeps_what_is_secret_apart_for_its_owner_alone_and_forgets_what_is_gone()
    {
        await Execute(
            Source.App,
            """
            insert into crm.credentials (user_id, password_hash, security_stamp, updated_at)
            select id, 'MARKED-' || id, gen_random_uuid(), now() from crm.mt_streams where type = 'user'
            """);
        var apart = ArchiveFolder.At(Folder.Root, Path.Combine(Root, "apart"));
        await Backup(to: apart);
        var first = Assert.Single(Directory.GetFiles(apart.Keys));
        var held = await Unzipped(first);
        await Execute(Source.App, "delete from crm.credentials");

        await Backup(to: apart);

        Assert.Contains("MARKED-", held, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKED-", await Unzipped(Segments()[0]), StringComparison.Ordinal);
        var now = Assert.Single(Directory.GetFiles(apart.Keys));
        Assert.NotEqual(first, now);
        Assert.DoesNotContain("MARKED-", await Unzipped(now), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(now));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Segments()[0]));
    }

    [Fact]
    public async Task can_be_read_with_gzip_and_nothing_of_ours()
    {
        await Backup();

        var lines = (await Unzipped(Segments()[0])).TrimEnd('\n').Split('\n');

        Assert.Equal(SegmentEvents, lines.Length);
        using var second = System.Text.Json.JsonDocument.Parse(lines[1]);
        Assert.Equal(2, second.RootElement.GetProperty("seq_id").GetInt64());
        Assert.Equal(
            await One<string>(Source.App, "select data::text from crm.mt_events where seq_id = 2"),
            second.RootElement.GetProperty("data").GetRawText());
        var manifest = await Folder.Read(key: null, Ct);
        Assert.Equal(
            manifest.Segments[0].File.Sha256,
            Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Segments()[0], Ct))));
    }

    [Fact]
    public async Task encrypts_everything_when_it_is_told_to()
    {
        var key = ArchiveKey.Of(RandomNumberGenerator.GetBytes(ArchiveKey.Length));
        await Backup(key);

        var check = await ArchiveCheck.Run(Folder, key, progress: null, Ct);

        Assert.True(check.IsWhole, string.Join(' ', check.Damages));
        foreach (var file in Segments().Concat(Directory.GetFiles(Folder.Keys)))
        {
            Assert.EndsWith(".enc", file, StringComparison.Ordinal);
            var bytes = await File.ReadAllBytesAsync(file, Ct);
            Assert.True(bytes.AsSpan().StartsWith("CRMARC01"u8));
            Assert.True(bytes.AsSpan().IndexOf("\x1f\x8b\x08"u8) is not 40);
        }

        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup());
        await Assert.ThrowsAsync<ArchiveRefusedException>(
            () => Backup(ArchiveKey.Of(RandomNumberGenerator.GetBytes(ArchiveKey.Length))));
    }

    private static async Task<string> Unzipped(string file)
    {
        using var gzip = Process.Start(new ProcessStartInfo("gzip", ["-dc", file]) { RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new InvalidOperationException("gzip did not start.");
        var text = await gzip.StandardOutput.ReadToEndAsync(Ct);
        await gzip.WaitForExitAsync(Ct);
        return text;
    }

    private sealed class Telling(Func<Task> told) : IProgress<double>
    {
        private bool done;

        public void Report(double value)
        {
            if (!done)
            {
                done = true;
                told().GetAwaiter().GetResult();
            }
        }
    }
}
