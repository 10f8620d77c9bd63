using System.Security.Cryptography;
using Crm.Application;
using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Testing;
using Crm.Web.Security;
using Crm.Web.Tests.Cli;

namespace Crm.Web.Tests.Security;

public sealed class Rotating_the_master_key : IAsyncLifetime
{
    private readonly TestDatabase database = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-master-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string File => Path.Combine(folder.FullName, "keys");

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        await System.IO.File.WriteAllTextAsync(File, TestKeys.Text + "\n", Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task seals_everything_anew_while_a_host_works_on_without_a_restart()
    {
        await using var host = TestHost.Beside(database, ("CRM_MASTER_KEY", ""), ("CRM_MASTER_KEY_FILE", File));
        var admin = await host.Admin();
        var before = (await admin.Post("/leads", """{"lastName":"Before"}""")).Is(201).Id;
        (await admin.Post("/me/second-factor", $$"""{"password":"{{TestHost.AdminPassword}}"}""")).Is(201);
        (await admin.Post("/ops/audit/head")).Is(200); // so that there is a key that signs heads

        var (code, _, error) = await Rotate("new");

        Assert.Equal((0, ""), (code, error));
        Assert.Equal("Before", (await admin.Get($"/leads/{before}")).Is(200).Body.GetProperty("lastName").GetString());
        (await admin.Post($"/leads/{before}/notes", """{"text":"after"}""")).Is(200);
        (await admin.Post("/leads", """{"lastName":"After"}""")).Is(201);
        var now = MasterKeySettings.ReadFile(File, isProduction: false);
        var wrapped = (int)await One<long>(
            "select count(*) from crm.subject_keys where created_at < (select min(retired_at) from crm.master_keys)");
        var told = Assert.Single((await admin.GetAfter(await Last(), "/audit/events?type=master-key-rotated")).Is(200).Items);
        Assert.Equal(("system", "crm keys rotate --to"), (told.GetProperty("actor").GetString(), told.GetProperty("reason").GetString()));
        Assert.Equal(
            [("from", TestKeys.Key.Id), ("to", now[0].Id)],
            told.GetProperty("changes").EnumerateArray().Take(2)
                .Select(static change => (change.GetProperty("field").GetString(), change.GetProperty("to").GetString())));
        Assert.InRange(told.GetProperty("changes")[2].GetProperty("to").GetInt32(), 1, wrapped);
        Assert.Equal([TestKeys.Key.Id], now.Skip(1).Select(static key => key.Id));
        Assert.Equal(
            now[0].Id, await One<string>("select string_agg(distinct master_key, ',') from crm.subject_keys where wrapped is not null"));
        Assert.Equal(TestKeys.Key.Id, await One<string>("select string_agg(id, ',') from crm.master_keys where retired_at is not null"));

        // The new key alone is enough from here on: for a host that starts, its tokens, and what was sealed before.
        await System.IO.File.WriteAllLinesAsync(File, [(await System.IO.File.ReadAllLinesAsync(File, Ct))[0]], Ct);
        await using var another = TestHost.Beside(database, ("CRM_MASTER_KEY", ""), ("CRM_MASTER_KEY_FILE", File));
        var there = await another.Admin();
        Assert.Equal("Before", (await there.Get($"/leads/{before}")).Is(200).Body.GetProperty("lastName").GetString());
        (await there.Post("/ops/audit/head")).Is(200);
    }

    [Fact]
    public async Task goes_on_where_it_was_stopped_and_loses_nothing()
    {
        var next = MasterKey.Of(RandomNumberGenerator.GetBytes(32));
        var both = MasterKeys.Of(next, TestKeys.Key);
        var leads = Enumerable.Range(0, 1_300).Select(static _ => Guid.NewGuid()).ToList();
        await using (var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition()))
        {
            await Task.WhenAll(leads.Select(lead => Capture(log, lead)));
            await Append(log, leads[0], 1, new LeadUnassigned(), erases: true);
        }

        await using var rotated = new EventLog(database.App, EventJson.Catalog, both, new LogPosition());
        var rotation = new MasterKeyRotation(database.App, rotated, both, TimeProvider.System);
        using (var stop = new CancellationTokenSource())
        {
            var first = new Told(_ => stop.Cancel());
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rotation.Run(first, stop.Token));
        }

        Assert.InRange(await One<long>($"select count(*) from crm.subject_keys where master_key = '{next.Id}'"), 1, 1_298);
        Assert.True(await rotation.IsUnfinished(Ct));

        // A host that knows both works on in between, and a lead is erased.
        await using var during = new EventLog(database.App, EventJson.Catalog, both, new LogPosition());
        await Capture(during, Guid.NewGuid());
        await Append(during, leads[1], 1, new LeadUnassigned(), erases: true);
        var report = await rotation.Run(progress: null, Ct);

        Assert.False(await rotation.IsUnfinished(Ct));
        Assert.InRange(report.SubjectKeys, 1, 1_298);
        Assert.Equal(0, await One<long>($"select count(*) from crm.subject_keys where wrapped is not null and master_key <> '{next.Id}'"));
        Assert.Equal(2, await One<long>("select count(*) from crm.subject_keys where wrapped is null"));
        await using var after = new EventLog(database.App, EventJson.Catalog, MasterKeys.Of(next), new LogPosition());
        var everything = await after.ReadAfter(0, 2_000, Ct);
        Assert.All(everything.SkipLast(1), static recorded => Assert.IsAssignableFrom<LeadEvent>(recorded.Data));
        Assert.Equal(0, (await rotation.Run(progress: null, Ct)).SubjectKeys);

        // On record once, of both runs together: all but the two that were erased, one of them before.
        Assert.InRange(Assert.IsType<MasterKeyRotated>(everything[^1].Data).Streams, 1_298, 1_299);
        Assert.Equal([(TestKeys.Key.Id, next.Id)], await Rotations(after));
    }

    [Fact]
    public async Task is_on_record_once_though_it_is_killed_at_its_very_end_and_again_each_time_that_a_key_comes_back()
    {
        var next = MasterKey.Of(RandomNumberGenerator.GetBytes(32));
        await using var log = new EventLog(database.App, EventJson.Catalog, MasterKeys.Of(TestKeys.Key, next), new LogPosition());
        await Capture(log, Guid.NewGuid());

        // Killed after the fact and before the old key has retired: what retires it is held up, and breaks off.
        await using (var hand = await database.Superuser.OpenConnectionAsync(Ct))
        await using (var held = await hand.BeginTransactionAsync(Ct))
        {
            await MasterKeyCheck.Record(database.App, TestKeys.Key, Ct);
            await using var hold = new Npgsql.NpgsqlCommand(
                $"select 1 from crm.master_keys where id = '{TestKeys.Key.Id}' for update", hand);
            Assert.Equal(1, await hold.ExecuteScalarAsync(Ct));
            using var stop = new CancellationTokenSource();
            var killed = Rotation(log, next, TestKeys.Key).Run(progress: null, stop.Token);
            await Eventually.IsTrue(async () => (await Rotations(log)).Count == 1, Ct);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => killed);
            await held.RollbackAsync(Ct);
        }

        Assert.True(await Rotation(log, next, TestKeys.Key).IsUnfinished(Ct));
        await Rotation(log, next, TestKeys.Key).Run(progress: null, Ct);
        await Rotation(log, next, TestKeys.Key).Run(progress: null, Ct);
        Assert.Equal([(TestKeys.Key.Id, next.Id)], await Rotations(log));

        await Rotation(log, TestKeys.Key, next).Run(progress: null, Ct);
        await Rotation(log, next, TestKeys.Key).Run(progress: null, Ct);
        Assert.Equal(
            [(TestKeys.Key.Id, next.Id), (next.Id, TestKeys.Key.Id), (TestKeys.Key.Id, next.Id)], await Rotations(log));
        Assert.All(
            (await log.ReadAfter(0, 100, Ct)).Select(static recorded => recorded.Data).OfType<MasterKeyRotated>(),
            static fact => Assert.Equal(1, fact.Streams));
        Assert.Equal(0, await One<long>("select count(*) from crm.bookmarks where scope = 'master-key-rotation'"));
    }

    [Fact]
    public async Task takes_the_first_key_of_a_file_and_finishes_what_was_interrupted()
    {
        await using (var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition()))
        {
            await Capture(log, Guid.NewGuid());
        }

        var given = Path.Combine(folder.FullName, "given");
        await System.IO.File.WriteAllTextAsync(given, "# ours\n" + MasterKeySettings.NewText() + "\n", Ct);
        var (code, output, _) = await Rotate(given);
        Assert.Equal(0, code);
        var id = MasterKeySettings.ReadFile(given, isProduction: true)[0].Id;
        Assert.Contains(id, output, StringComparison.Ordinal);

        // As if it had been killed after the file and before the database.
        await using (var undo = database.Superuser.CreateCommand("update crm.master_keys set retired_at = null"))
        {
            await undo.ExecuteNonQueryAsync(Ct);
        }

        (code, output, var said) = await Rotate("new");
        Assert.Equal(0, code);
        Assert.Contains("goes on", said, StringComparison.Ordinal);
        Assert.Contains(id, output, StringComparison.Ordinal);
        Assert.Equal(2, MasterKeySettings.ReadFile(File, isProduction: false).Count);
    }

    [Fact]
    public async Task refuses_what_is_no_key_and_changes_nothing()
    {
        var none = Path.Combine(folder.FullName, "none");
        await System.IO.File.WriteAllTextAsync(none, "change me\n", Ct);
        var before = await System.IO.File.ReadAllTextAsync(File, Ct);

        Assert.Equal(3, (await Rotate(none)).Code);
        Assert.Equal(3, (await Rotate(Path.Combine(folder.FullName, "missing"))).Code);

        Assert.Equal(before, await System.IO.File.ReadAllTextAsync(File, Ct));
    }

    private MasterKeyRotation Rotation(EventLog log, MasterKey first, MasterKey second) =>
        new(database.App, log, MasterKeys.Of(first, second), TimeProvider.System);

    private static async Task<List<(string From, string To)>> Rotations(EventLog log) =>
    [
        .. (await log.ReadAfter(0, 5_000, Ct)).Select(static recorded => recorded.Data).OfType<MasterKeyRotated>()
            .Select(static fact => (fact.From, fact.To)),
    ];

    private Task<long> Last() => One<long>("select max(seq_id) from crm.mt_events");

    private async Task<(int Code, string Output, string Error)> Rotate(string to)
    {
        using var rotate = CrmProcess.Start(database, ("CRM_MASTER_KEY_FILE", File), "keys", "rotate", "--to", to);
        return await rotate.End(Ct);
    }

    private static async Task Capture(EventLog log, Guid lead) =>
        await Append(log, lead, 0, new LeadCaptured(LeadDetails.Unknown with { LastName = "x" }, 0, 1), erases: false);

    private static async Task Append(EventLog log, Guid lead, long version, LeadEvent happened, bool erases)
    {
        var append = new StreamAppend(lead, "lead", version, [new NewEvent(Guid.NewGuid(), happened, DateTimeOffset.UnixEpoch)]);
        Assert.IsType<AppendOutcome.Appended>(
            await log.Append(new AppendCommand([append], Envelope.System) { Erases = erases ? [lead] : [] }, Ct));
    }

    private async Task<T> One<T>(string sql)
    {
        await using var ask = database.Superuser.CreateCommand(sql);
        return (T)(await ask.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException($"No value: {sql}"));
    }

    private sealed class Told(Action<double> tell) : IProgress<double>
    {
        public void Report(double value) => tell(value);
    }
}
