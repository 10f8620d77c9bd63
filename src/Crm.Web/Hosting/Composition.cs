using Crm.Application;
using Crm.Application.Erasure;
using Crm.Application.Undo;
using Crm.EventStore.Jobs;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Sealing;
using Crm.Projections;
using Crm.Web.Feed;
using Crm.Web.Http;
using Crm.Web.Leads;
using Crm.Web.Operations;
using Npgsql;

namespace Crm.Web.Hosting;

/// <summary>What the host's parts need, named one by one.</summary>
public static class Composition
{
    /// <summary>The log, whose personal data are sealed, and the runner of commands.</summary>
    public static void AddCrmEventStore(this WebApplicationBuilder builder, CrmDatabase database, MasterKeys masters)
    {
        // The database is opened before the host and closed after it, so the container does not own it.
        builder.Services.AddSingleton(_ => new LogPosition());
        builder.Services.AddSingleton(masters);
        builder.Services.AddSingleton<NpgsqlDataSource>(database.App);
        builder.Services.AddSingleton(new ReadModels(database.Reads));
        builder.Services.AddSingleton(services =>
            new EventLog(database.App, EventJson.Catalog, masters, services.GetRequiredService<LogPosition>()));
        builder.Services.AddSingleton(services => new ErasureCheck(database.App, services.GetRequiredService<EventLog>(), ProjectionList.All));
        builder.Services.AddSingleton(services => new PersonalDataFile(database.App, services.GetRequiredService<EventLog>()));
        builder.Services.AddSingleton(services => new CommandRunner(services.GetRequiredService<EventLog>()));
        builder.Services.AddSingleton(services => new OperationReceipts(services.GetRequiredService<EventLog>()));
        builder.Services.AddSingleton(services =>
            new LeadUndo(services.GetRequiredService<EventLog>(), services.GetRequiredService<CommandRunner>()));
    }

    /// <summary>The read models: what keeps them up with the log, and how readers wait for them.</summary>
    public static void AddCrmProjections(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(ProjectionList.All);
        services.AddSingleton(provider => new ProjectionProgress(provider.GetRequiredService<ReadModels>().Database));
        services.AddSingleton<Rebuilder>();
        services.AddSingleton<RunningJobs>();
        services.AddSingleton<RebuildJobs>();
        services.AddSingleton<UndoJobs>();
        services.AddSingleton<IntegrityReports>();
        services.AddSingleton<ParkedStreams>();
        services.AddSingleton<LogListener>();
        services.AddSingleton<ReadHeaders>();
        services.AddSingleton<RecentPositions>();
        services.AddSingleton<FeedSight>();
        services.AddSingleton(provider => new LogTail(provider.GetRequiredService<EventLog>()));
        services.AddSingleton(provider => new ProjectionRunner(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<EventLog>(),
            provider.GetRequiredService<LogTail>().ReadAfter,
            ProjectionList.All,
            provider.GetRequiredService<Rebuilder>(),
            provider.GetRequiredService<ProjectionProgress>(),
            provider.GetRequiredService<ILogger<ProjectionRunner>>()));
        services.AddHostedService<LogFollowers>();
        services.AddHostedService<Housekeeping>();
        services.AddHostedService<IntegrityWatch>();
    }
}
