using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Application.Recovery;
using Crm.Application.Users;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.Application.Tests.Archives;

/// <summary>Erasures, and doors that were shut, are looked for beyond what is restored: by the rows of keys where a segment cannot be read.</summary>
public sealed class What_else_an_archive_knows : ArchiveStage
{
    private static readonly Guid user = Guid.CreateVersion7();

    private static readonly RestoreRequest goodPart = RestoreRequest.Everything with { GoodPart = true };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task does_not_keep_the_good_part_from_being_restored_where_it_cannot_be_read(bool missing)
    {
        var (erased, segment) = await EndWithAnErasureAndAShutDoor();
        await Damage(segment, missing);
        var target = await Target();

        var report = await Restore(target, goodPart);

        Assert.True(report.Verified);
        Assert.Equal(1, report.ErasedAgain);
        await IsErased(target.App, erased);
        Assert.Contains(
            report.Warnings, warning => warning.StartsWith("1 erasures in log/", StringComparison.Ordinal)
                && warning.EndsWith("taken from the rows of keys", StringComparison.Ordinal));
        Assert.Contains(report.Warnings, warning => warning.EndsWith("it cannot be read: 1 user-role-changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task is_told_too_where_an_earlier_position_is_restored_and_what_comes_after_it_is_damaged()
    {
        var (erased, segment) = await EndWithAnErasureAndAShutDoor();
        await Damage(segment, missing: false);
        var target = await Target();

        var report = await Restore(target, RestoreRequest.Everything with { Position = 150 });

        Assert.True(report.Verified);
        await IsErased(target.App, erased);
        Assert.Contains(report.Warnings, warning => warning.EndsWith("it cannot be read: 1 user-role-changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task is_nothing_without_the_rows_beside_the_log_and_the_check_promises_nothing_either()
    {
        await Backup();
        await Damage(Assert.Single(Directory.GetFiles(Folder.Keys)), missing: true);
        var target = await Target();

        var check = await ArchiveCheck.Run(Folder, key: null, progress: null, Ct);
        var refused = await Assert.ThrowsAsync<ArchiveDamagedException>(() => Restore(target, goodPart));

        Assert.Equal(0, check.GoodUpTo);
        Assert.Contains("no part of the archive can be restored", Assert.Single(check.Damages).What, StringComparison.Ordinal);
        Assert.Contains("no part of the archive can be restored", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await One<long>(target.Owner ?? target.App, "select count(*) from pg_namespace where nspname like 'crm%'"));
    }

    [Fact]
    public async Task is_not_who_was_erased_since_and_nobody_is_left_to_believe_it()
    {
        await Backup();
        var target = await Target();

        var report = await Restore(target);

        Assert.Empty(report.ErasuresFrom);
        Assert.StartsWith("WHOEVER WAS ERASED AFTER POSITION", report.Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task is_added_to_by_the_database_that_serves()
    {
        var position = (await Backup()).Position;
        var erased = await ALead();
        await Erase(erased);

        var known = await Ask(Source.Superuser);
        var target = await Target();
        var report = await Restore(target, RestoreRequest.Everything with { Erased = known });

        Assert.Contains(FormattableString.Invariant($"up to position {position + 1}"), Assert.Single(report.ErasuresFrom), StringComparison.Ordinal);
        Assert.Equal((1, true), (report.ErasedAgain, report.Verified));
        Assert.Empty(report.Warnings);
        await IsErased(target.App, erased);
        Assert.Equal([erased], (await Ask(target.Owner ?? target.App)).Streams);
    }

    [Fact]
    public async Task is_not_asked_of_a_database_of_another_log_or_one_that_is_being_filled()
    {
        await Backup();
        var target = await Target();
        var nothingThere = await Ask(target.Owner ?? target.App);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Restore(target, progress: new StoppingAt(static at => at.Step == "build lead_board", stop), ct: stop.Token));
        var halfFilled = await Ask(target.Owner ?? target.App);
        var another = await ServingErasures.Ask(Source.Superuser, "crm", Guid.CreateVersion7(), archived: 1, Ct);
        await using var unreachable = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=nobody;Timeout=2");

        Assert.Equal([[], [], []], new[] { nothingThere, halfFilled, another }.Select(static each => each.From));
        Assert.Contains("could not be asked", Assert.Single((await Ask(unreachable)).Warnings), StringComparison.Ordinal);
    }

    /// <summary>A lead of the first segment is erased, and a role changed, in the archive's last segment.</summary>
    private async Task<(Guid Erased, string Segment)> EndWithAnErasureAndAShutDoor()
    {
        var erased = await ALead();
        await Append(0, new UserRegistered("Ada", "ada@example.com", Role.Admin, IsActive: true));
        await Backup();
        await Append(1, new UserRoleChanged(Role.Agent));
        await Erase(erased);
        await Backup();
        return (erased, Segments()[^1]);
    }

    private Task<Guid> ALead() =>
        One<Guid>(Source.App, "select stream_id from crm.mt_events where type = 'lead-captured' order by seq_id limit 1");

    private async Task Append(long version, UserEvent happened)
    {
        var append = new StreamAppend(user, UserStream.Kind.Aggregate.StreamType, version, [new NewEvent(Guid.CreateVersion7(), happened, Now)]);
        Assert.IsType<AppendOutcome.Appended>(await Log.Append(new AppendCommand([append], Envelope.System), Ct));
    }

    private async Task Erase(Guid lead)
    {
        using var commands = new CommandRunner(Log);
        var outcome = await commands.Run(
            LeadStream.Kind, lead, new EraseLead("asked for", "the person", PersonTraces.None),
            new CommandContext(Envelope.System, Now, Scope.System), Ct);
        Assert.IsType<CommandResult.Done>(outcome);
    }

    private async Task<KnownErasures> Ask(NpgsqlDataSource serving)
    {
        var manifest = await Folder.Read(key: null, Ct);
        return await ServingErasures.Ask(serving, "crm", manifest.Log, manifest.LastPosition, Ct);
    }

    private static async Task IsErased(NpgsqlDataSource database, Guid lead)
    {
        Assert.True(await One<bool>(database, $"select wrapped is null from crm.subject_keys where stream_id = '{lead}'"));
        await using var restored = new EventLog(database, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        var history = await restored.ReadStream(lead, Ct);
        Assert.IsType<LeadErased>(history[^1].Data);
        Assert.True(history[0].IsErased);
    }

    private static async Task Damage(string file, bool missing)
    {
        if (missing)
        {
            File.Delete(file);
            return;
        }

        var bytes = await File.ReadAllBytesAsync(file, Ct);
        bytes[bytes.Length / 2] ^= 0x40;
        await File.WriteAllBytesAsync(file, bytes, Ct);
    }
}
