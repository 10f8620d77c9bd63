using Crm.Application.ApiKeys;
using Crm.Application.Permissions;
using Crm.Application.Recovery;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Application.Tests.Archives;

public sealed class Restoring_an_archive : ArchiveStage
{
    private const string Keys =
        "select string_agg(concat_ws('|', scope, key, stream_id), E'\n' order by scope, key) from crm.unique_keys";

    private const string Streams =
        """
        select string_agg(concat_ws('|', s.id, s.type, s.version, s.tenant_id, s.is_archived), E'\n' order by s.id) from crm.mt_streams s
        """;

    private static readonly Guid user = Guid.CreateVersion7(), apiKey = Guid.CreateVersion7();

    [Fact]
    public async Task gives_back_everything_row_for_row()
    {
        await People();
        await BuildReadModels();
        var position = (await Backup()).Position;
        var target = await Target();

        var report = await Restore(target, RestoreRequest.Everything with { ReviveApiKeys = true, Erased = KnownErasures.Of("a list", []) });

        Assert.True(report.Verified);
        Assert.Empty(report.Warnings);
        Assert.Equal(await LogDigest.Of(Source.App, long.MaxValue, Ct), await LogDigest.Of(target.App, long.MaxValue, Ct));
        Assert.Equal(await One<string>(Source.App, Streams), await One<string>(target.App, Streams));
        Assert.Equal(await One<string>(Source.App, Keys), await One<string>(target.App, Keys));
        Assert.True(report.TreeEqual);
        foreach (var table in new[] { "credentials", "second_factors", "recovery_codes", "api_keys", "subject_keys", "master_keys" })
        {
            Assert.Equal(await Rows(Source.App, table), await Rows(target.App, table));
        }

        await using var there = await Source.App.OpenConnectionAsync(Ct);
        await using var here = await target.App.OpenConnectionAsync(Ct);
        foreach (var table in ProjectionList.All.SelectMany(static projection => projection.Tables))
        {
            Assert.Equal(await TableDigest.Of(there, $"crm_read.{table}", Ct), await TableDigest.Of(here, $"crm_read.{table}", Ct));
        }

        Assert.Equal(position, await One<long>(target.App, "select position from crm.log_counter"));
        Assert.Equal(await Constraints(Source.App), await Constraints(target.App));
    }

    [Fact]
    public async Task goes_on_working_from_there_without_a_gap()
    {
        await People();
        var position = (await Backup()).Position;
        var target = await Target();
        await Restore(target, RestoreRequest.Everything with { ReviveApiKeys = true });
        await using var restored = new EventLog(target.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        using var commands = new CommandRunner(restored);
        var context = new CommandContext(Envelope.System, Now, Scope.System);

        var captured = new NewEvent(Guid.CreateVersion7(), new LeadCaptured(LeadDetails.Unknown, 0, 1), Now);
        var outcome = await restored.Append(
            new AppendCommand([new StreamAppend(Guid.CreateVersion7(), "lead", 0, [captured])], Envelope.System), Ct);
        var renamed = await commands.Run(UserStream.Kind, user, new RenameUser("Ada King"), context, Ct);

        Assert.Equal(position + 1, Assert.IsType<AppendOutcome.Appended>(outcome).LastPosition);
        Assert.Equal(position + 2, Assert.IsType<CommandResult.Done>(renamed).Position);
    }

    [Fact]
    public async Task brings_api_keys_back_revoked_and_nobodys_session()
    {
        await People();
        var position = (await Backup()).Position;
        var target = await Target();

        var report = await Restore(target);

        Assert.True(report.Verified);
        Assert.Equal(1, report.RevokedApiKeys);
        Assert.Equal(0, await One<long>(target.App, "select count(*) from crm.api_keys"));
        Assert.Equal(0, await One<long>(target.App, "select count(*) from crm.refresh_tokens"));
        Assert.Equal(0, await One<long>(target.App, "select count(*) from crm.signing_keys"));
        await using var restored = new EventLog(target.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        Assert.True((await restored.ReadApiKey(apiKey, Ct)).IsRevoked);
        Assert.Equal(position + 1, await restored.LastPosition(Ct));
    }

    [Fact]
    public async Task to_a_position_gives_the_log_as_it_stood_and_names_the_doors_it_opens()
    {
        await People();
        var before = await Log.LastPosition(Ct);
        using (var commands = new CommandRunner(Log))
        {
            var context = new CommandContext(Envelope.System, Now, Scope.System);
            await commands.Run(UserStream.Kind, user, new DeactivateUser(IsOwnAccount: false, IsLastAdmin: false, "left"), context, Ct);
            await commands.Run(ApiKeyStream.Kind, apiKey, new RevokeApiKey(), context, Ct);
        }

        await Backup();
        var target = await Target();

        var report = await Restore(
            target, RestoreRequest.Everything with { Position = before, ReviveApiKeys = true, Erased = KnownErasures.Of("a list", []) });

        Assert.True(report.Verified);
        Assert.Equal(before, report.Position);
        Assert.Equal(await LogDigest.Of(Source.App, before, Ct), await LogDigest.Of(target.App, long.MaxValue, Ct));
        Assert.Collection(
            report.Warnings,
            warning => Assert.Contains($"user {user} was deactivated", warning, StringComparison.Ordinal),
            warning => Assert.Contains($"API key {apiKey} was revoked", warning, StringComparison.Ordinal));
        await Assert.ThrowsAsync<ArchiveRefusedException>(
            async () => await Restore(await Target(), RestoreRequest.Everything with { Position = before + 100 }));
    }

    [Fact]
    public async Task never_brings_back_whom_something_newer_knows_to_be_erased()
    {
        await Backup();
        var target = await Target();
        var erased = await One<Guid>(Source.App, "select stream_id from crm.mt_events where type = 'lead-captured' order by seq_id limit 1");
        var known = Assert.IsType<LeadCaptured>((await Log.ReadStream(erased, Ct))[0].Data).Details;

        var report = await Restore(target, RestoreRequest.Everything with { Erased = KnownErasures.Of("a list", [erased]) });

        Assert.True(report.Verified);
        Assert.Equal(["a list"], report.ErasuresFrom);
        Assert.Equal(1, report.ErasedAgain);
        Assert.True(await One<bool>(
            target.App, $"select wrapped is null and destroyed_at is not null from crm.subject_keys where stream_id = '{erased}'"));
        await using var restored = new EventLog(target.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        var history = await restored.ReadStream(erased, Ct);
        Assert.IsType<LeadErased>(history[^1].Data);
        var captured = history[0];
        Assert.True(captured.IsErased);
        Assert.NotEqual(known.LastName, Assert.IsType<LeadCaptured>(captured.Data).Details.LastName);
        Assert.Equal(0, await One<long>(
            target.App, $"select count(*) from crm_read.lead_board where lead_id = '{erased}' and (email is not null or phone is not null)"));
    }

    [Theory]
    [InlineData("load the log")]
    [InlineData("build lead_board")]
    [InlineData("verify the log")]
    public async Task goes_on_after_it_was_interrupted(string step)
    {
        var position = (await Backup()).Position;
        var target = await Target();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Restore(target, progress: new StoppingAt(at => at.Step == step, stop), ct: stop.Token));
        await Assert.ThrowsAsync<RecoveryRefusedException>(
            () => Restore(target, RestoreRequest.Everything with { Position = position - 1 }));

        var report = await Restore(target);

        Assert.True(report.Verified);
        Assert.True(report.ResumedAfter > 0);
        Assert.Equal(await LogDigest.Of(Source.App, position, Ct), await LogDigest.Of(target.App, position, Ct));
        Assert.Equal(await Constraints(Source.App), await Constraints(target.App));
        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Restore(target));
    }

    [Fact]
    public async Task refuses_without_the_master_key_that_the_log_was_sealed_with()
    {
        await Execute(Source.App, "insert into crm.master_keys (id, proof) values ('some-other-key', '\x01')");
        await Backup();
        var target = await Target();

        var refused = await Assert.ThrowsAsync<ArchiveRefusedException>(() => Restore(target));

        Assert.Contains("some-other-key", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await One<long>(target.Owner ?? target.App, "select count(*) from pg_namespace where nspname like 'crm%'"));
    }

    [Fact]
    public async Task refuses_a_database_that_is_not_empty()
    {
        await Backup();
        var target = await Target();
        await Execute(target.Owner ?? target.App, "create table public.somebodys (id int)");

        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Restore(target));
        Assert.Equal(0, await One<long>(target.Owner ?? target.App, "select count(*) from pg_namespace where nspname like 'crm%'"));
    }

    [Fact]
    public async Task notices_an_event_that_was_changed_behind_its_back()
    {
        await Backup();
        var target = await Target();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Restore(target, progress: new StoppingAt(static at => at.Step == "build lead_board", stop), ct: stop.Token));
        await Execute(
            target.Owner ?? target.App,
            "update crm.mt_events set mt_dotnet_type = 'other' where seq_id = 17");

        var report = await Restore(target);

        Assert.False(report.Verified);
        Assert.NotEqual(report.Archive.Sha256, report.Restored.Sha256);
    }

    /// <summary>A user with all that signing in needs, a team, and an API key.</summary>
    private async Task People()
    {
        await Begin(
            UserStream.Kind, user,
            new UserRegistered("Ada", "ADA@EXAMPLE.COM", Role.Agent, IsActive: true), new UserIdentityLinked("issuer", "Ä"));
        await Begin(TeamStream.Kind, Guid.CreateVersion7(), new TeamFormed("ÄUSSERER Dienst"), new TeamMemberAdded(user));
        await Begin(ApiKeyStream.Kind, apiKey, new ApiKeyIssued("importer", user, ["leads:read"], ExpiresAt: null, ActsForOthers: false));
        await Execute(
            Source.App,
            """
            insert into crm.credentials (user_id, password_hash, security_stamp, updated_at)
            select id, 'hash of ' || id, gen_random_uuid(), now() from crm.mt_streams where type = 'user'
            union all select gen_random_uuid(), 'of nobody', gen_random_uuid(), now();
            delete from crm.credentials where password_hash = 'of nobody';
            insert into crm.second_factors (user_id, secret, created_at, confirmed_at, last_step)
            select user_id, '\x0102', now(), now(), 7 from crm.credentials;
            insert into crm.recovery_codes (user_id, code_hash) select user_id, '\x02' from crm.credentials;
            insert into crm.api_keys (id, secret_hash, created_at) select id, '\x03ff', now() from crm.mt_streams where type = 'api-key';
            insert into crm.refresh_tokens (token_hash, family, user_id, issued_at, expires_at)
            select '\x04', gen_random_uuid(), user_id, now(), now() + interval '1 day' from crm.credentials limit 1;
            insert into crm.signing_keys (kid, private_pkcs8, public_spki, created_at, active_from) values ('k', '\x05', '\x06', now(), now())
            """);
    }

    private async Task BuildReadModels()
    {
        using var rebuilder = new Rebuilder(Source.App, Log, NullLogger<Rebuilder>.Instance);
        foreach (var projection in ProjectionList.All)
        {
            await rebuilder.Rebuild(projection, progress: null, Ct);
        }
    }

    private async Task Begin<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid id, params TEvent[] events)
        where TEvent : class
    {
        var happened = events.Select(static @event => new NewEvent(Guid.NewGuid(), @event, Now));
        var append = new AppendCommand([new StreamAppend(id, kind.Aggregate.StreamType, 0, [.. happened])], Envelope.System)
        {
            Claims = kind.Keys(id, kind.Aggregate.Fold(events)),
        };
        Assert.IsType<AppendOutcome.Appended>(await Log.Append(append, Ct));
    }

    private static Task<string> Rows(NpgsqlDataSource database, string table) =>
        One<string>(database, $"select coalesce(string_agg(t::text, E'\n' order by t::text), '') from crm.{table} t");

    private static Task<string> Constraints(NpgsqlDataSource database) => One<string>(
        database,
        """
        select string_agg(line, E'\n' order by line) from (
            select conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint where conrelid = 'crm.mt_events'::regclass
            union all select indexdef from pg_indexes where schemaname = 'crm' and tablename = 'mt_events') made
        """);
}
