using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Schema;
using Crm.Web.ApiKeys;
using Crm.Web.Audit;
using Crm.Web.Cli;
using Crm.Web.Documentation;
using Crm.Web.Feed;
using Crm.Web.Health;
using Crm.Web.Leads;
using Crm.Web.Metrics;
using Crm.Web.Operations;
using Crm.Web.Reports;
using Crm.Web.Security;
using Crm.Web.Teams;
using Crm.Web.Users;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Crm.Web.Hosting;

/// <summary>The host's table of contents: what it is made of, in the order of a request's way through it.</summary>
public static class CrmHost
{
    /// <summary>Starts the API and answers, with an exit code, when it has been stopped. What prevents the start is said in one line.</summary>
    public static async Task<int> Serve(string[] args, CancellationToken ct)
    {
        try
        {
            await Run(args, ct);
            return ExitCode.Done;
        }
        catch (SettingMissingException missing)
        {
            await Console.Error.WriteLineAsync(missing.Message);
            return ExitCode.Refused;
        }
        catch (Exception fault) when (fault is LocalPostgresException or NpgsqlException or IOException or OptionsValidationException)
        {
            await Console.Error.WriteLineAsync($"The host cannot start: {fault.Message}");
            return ExitCode.Failed;
        }
    }

    private static async Task Run(string[] args, CancellationToken ct)
    {
        var builder = HostSettings.Builder(args);

        // What prevents the start is thrown, and told in one line: the framework need not log it with all its frames.
        var isStarted = false;
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Hosting.Internal.Host", level => level > LogLevel.Error || (isStarted && level >= LogLevel.Warning));
        SettingsCheck.DemandReadable(builder.Configuration);
        if (builder.Environment.IsProduction())
        {
            SettingsCheck.Demand(builder.Configuration);
        }

        await using var ground = await HostDatabase.Open(builder, ct);
        if (ground.Database.Owner is { } owner)
        {
            await Migrations.Apply(owner, ct);
        }

        var masters = MasterKeySettings.Load(builder.Configuration, builder.Environment.IsProduction());
        await MasterKeyCheck.Demand(ground.Database.App, masters, ct);

        builder.AddCrmEdge();
        builder.AddCrmEventStore(ground.Database, masters);
        builder.AddCrmProjections();
        builder.AddCrmAudit();
        builder.AddCrmMetrics();
        builder.AddCrmDocumentation();
        builder.AddCrmSecurity();

        await using var app = builder.Build();
        app.UseCrmEdge();

        var api = app.MapGroup("/api/v1");
        api.MapAuth();
        api.MapUsers();
        api.MapApiKeys();
        api.MapLeads();
        api.MapReports();
        api.MapAudit();
        api.MapAuditProofs();
        api.MapFeed();
        api.MapOperations();
        api.MapSigningKeys();
        api.MapTeams();
        app.MapHealth();
        app.MapMetrics();
        app.MapPublicKeys();
        app.MapDebug();
        app.MapDocumentation();

        var admin = await app.Services.GetRequiredService<FirstAdmin>()
            .Ensure(app.Configuration["CRM_ADMIN_EMAIL"], app.Configuration["CRM_ADMIN_PASSWORD"], !app.Environment.IsProduction(), ct);
        await Start(app, ct);
        isStarted = true;
        Announce(app, ground);
        if (admin is not null)
        {
            Console.WriteLine(admin.GeneratedPassword is { } once
                ? $"Admin {admin.Email}, password (shown this once): {once}"
                : $"Admin {admin.Email}, with the password of CRM_ADMIN_PASSWORD");
        }

        await app.WaitForShutdownAsync(ct);
    }

    /// <summary>Starts the host; where it cannot, what did start ends before that on which it stands.</summary>
    private static async Task Start(WebApplication app, CancellationToken ct)
    {
        try
        {
            await app.StartAsync(ct);
        }
        catch
        {
            await app.StopAsync(CancellationToken.None);
            throw;
        }
    }

    private static void Announce(WebApplication app, HostDatabase ground)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        foreach (var address in addresses)
        {
            Console.WriteLine($"API   {address}/api/v1");
            Console.WriteLine($"Docs  {address}/docs");
        }

        Console.WriteLine($"Data  {ground.Where}");
    }
}
