using System.Globalization;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Application.Recovery;
using Crm.Application.Users;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.Application.Drill;

/// <summary>Works with a recovered database as people would: by commands, each read back from where it was written.</summary>
internal sealed class DrillWork(NpgsqlDataSource app, EventLog log, DateTimeOffset now) : IDisposable
{
    private const string Notes = "Said in a drill.";
    private const int MostTried = 50;

    private readonly CommandRunner commands = new(log);
    private readonly CommandContext context = new(Envelope.System with { Reason = "recovery drill" }, now, Scope.System);
    private readonly Guid agent = Guid.CreateVersion7(now);
    private readonly Guid captured = Guid.CreateVersion7(now);
    private Guid claimed;

    /// <summary>Captures a lead that belongs to nobody, and reads it back.</summary>
    public async Task<string> Capture(CancellationToken ct)
    {
        var details = LeadDetails.Unknown with { LastName = "Drill", Company = "Drill", Source = "drill" };
        var position = Done(await commands.Begin(LeadStream.Kind, captured, new CaptureLead(details, Owner: null), context, ct), "capture");
        return (await log.ReadStream(captured, ct)).Any(recorded => recorded.Data is LeadCaptured found && found.Details == details)
            ? At("Captured", position)
            : throw new DrillFailedException("The lead that was captured does not read as it was captured.");
    }

    /// <summary>An agent of the drill's own claims a lead that was restored, or where none is free the one that was captured.</summary>
    public async Task<string> Claim(CancellationToken ct)
    {
        var register = new RegisterUser("Drill", Email: null, Role.Agent);
        Done(await commands.Begin(UserStream.Kind, agent, register, context, ct), "register an agent");
        var claim = new ClaimLead(await log.FindAgent(agent, ct));
        foreach (var lead in (await Free(ct)).Append(captured))
        {
            if (await commands.Run(LeadStream.Kind, lead, claim, context, ct) is not CommandResult.Done { EventTypes: not [] } done)
            {
                // The board does not show every reason why nobody may claim it.
                continue;
            }

            claimed = lead;
            return (await log.ReadStream(lead, ct)).Any(recorded => recorded.Data is LeadClaimed found && found.AgentId == agent)
                ? At(lead == captured ? "No restored lead was free: claimed the captured one" : "Claimed a restored lead", done.Position)
                : throw new DrillFailedException("The claim does not stand in the lead's history.");
        }

        throw new DrillFailedException("No lead could be claimed.");
    }

    /// <summary>Logs an activity on the claimed lead, and reads it back.</summary>
    public async Task<string> LogActivity(CancellationToken ct)
    {
        var activity = new LogActivity(Guid.CreateVersion7(now), ActivityKind.Call, ActivityDirection.Out, now, now) { Notes = Notes };
        var position = Done(await commands.Run(LeadStream.Kind, claimed, activity, context, ct), "log an activity");
        return (await log.ReadStream(claimed, ct)).Any(
            recorded => recorded.Data is LeadActivityLogged { Notes: Notes } found && found.ActivityId == activity.ActivityId)
            ? At("Logged", position)
            : throw new DrillFailedException("The activity does not read as it was logged.");
    }

    /// <summary>Brings the read models up to date, and looks for the leads on the board.</summary>
    public async Task<string> Look(
        IReadOnlyList<Projection> projections, ILoggerFactory loggers, IProgress<RecoveryProgress> progress, CancellationToken ct)
    {
        await ReadModelBuilds.All(app, log, projections, loggers, new RecoverySteps(progress), ct);
        await using var look = app.CreateCommand(
            """
            select count(*) filter (where lead_id = $1), count(*) filter (where lead_id = $2 and owner_id = $3)
            from crm_read.lead_board where lead_id in ($1, $2)
            """);
        foreach (var id in new[] { captured, claimed, agent })
        {
            look.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        }

        await using var row = await look.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetInt64(0), row.GetInt64(1)) == (1, 1)
            ? "The captured lead is on the board, and the claimed one is the agent's."
            : throw new DrillFailedException("The board does not show what was captured and claimed.");
    }

    /// <inheritdoc/>
    public void Dispose() => commands.Dispose();

    private async Task<List<Guid>> Free(CancellationToken ct)
    {
        await using var find = app.CreateCommand(
            "select lead_id from crm_read.lead_board where owner_id is null and not is_archived order by created_at desc limit $1");
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MostTried });
        await using var rows = await find.ExecuteReaderAsync(ct);
        var free = new List<Guid>();
        while (await rows.ReadAsync(ct))
        {
            free.Add(rows.GetGuid(0));
        }

        return free;
    }

    private static long Done(CommandResult result, string what) => result switch
    {
        CommandResult.Done { EventTypes: not [] } done => done.Position,
        CommandResult.Refused refused => throw new DrillFailedException($"Could not {what}: {refused.Refusal.Because}"),
        var other => throw new DrillFailedException($"Could not {what}: {other.GetType().Name}."),
    };

    private static string At(string what, long position) =>
        string.Create(CultureInfo.InvariantCulture, $"{what}, at position {position:N0}; read back.");
}
