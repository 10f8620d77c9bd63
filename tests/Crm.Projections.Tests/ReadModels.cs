using Crm.Application;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Projections.Tests;

/// <summary>A database whose log and read models the specifications fill: events in, projected by the real engine.</summary>
public class ReadModels : IAsyncLifetime
{
    private TestDatabase? database;
    private EventLog? log;
    private ProjectionProgress? progress;
    private readonly CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;
    private long last;

    public NpgsqlDataSource Database => database?.App ?? throw new InvalidOperationException("Not made yet.");

    public NpgsqlDataSource Superuser => database?.Superuser ?? throw new InvalidOperationException("Not made yet.");

    public NpgsqlDataSource Reporting => database?.Reporting ?? throw new InvalidOperationException("Not made yet.");

    public Rebuilder Rebuilder { get; private set; } = null!; // set before any test sees the fixture

    /// <summary>The events that the database begins with.</summary>
    public virtual IReadOnlyList<RecordedEvent> Given => [];

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.Create();
        log = new EventLog(Database, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        Rebuilder = new Rebuilder(Database, log, NullLogger<Rebuilder>.Instance);
        progress = new ProjectionProgress(Database);
        running = new ProjectionRunner(
            Database, log, log.ReadAfter, ProjectionList.All, Rebuilder, progress, NullLogger<ProjectionRunner>.Instance)
            .Run(stop.Token);

        // First the builds of the empty log: what follows is projected live, in many small batches.
        await Eventually.IsTrue(
            async () => (await ProjectionStatus.List(Database, CancellationToken.None)).Count == ProjectionList.All.Count,
            CancellationToken.None);
        await Happened(Given);
    }

    /// <summary>Appends events, in order, one command each, and projects them.</summary>
    public async Task Happened(IReadOnlyList<RecordedEvent> events)
    {
        if (log is null || progress is null)
        {
            throw new InvalidOperationException("Not made yet.");
        }

        foreach (var recorded in events)
        {
            var append = new StreamAppend(
                recorded.StreamId, recorded.Data is Domain.Leads.LeadEvent ? "lead" : "user", recorded.Version - 1,
                [new NewEvent(recorded.Id, recorded.Data, recorded.At)]);
            var command = new AppendCommand([append], recorded.Envelope)
            {
                Erases = recorded.Data is Domain.Leads.LeadErased ? [recorded.StreamId] : [],
            };
            var outcome = await log.Append(command, CancellationToken.None);
            last = Assert.IsType<AppendOutcome.Appended>(outcome).LastPosition;
        }

        foreach (var projection in ProjectionList.All)
        {
            Assert.True(await progress.WaitFor(projection.Name, last, TimeSpan.FromSeconds(60), TimeProvider.System,
                CancellationToken.None), projection.Name);
        }

        Assert.All(await ProjectionStatus.List(Database, CancellationToken.None),
            status => Assert.Equal((0, null), (status.ParkedStreams, status.Error)));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
        if (log is not null)
        {
            await log.DisposeAsync();
        }

        if (database is not null)
        {
            await database.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>Read models of a generated history in which times run forwards.</summary>
public sealed class OrderlyReadModels : ReadModels
{
    public static IReadOnlyList<RecordedEvent> History { get; } = GeneratedHistory.Of(seed: 11, leads: 60, events: 700, inOrder: true);

    public override IReadOnlyList<RecordedEvent> Given => History;
}

/// <summary>Read models of a generated history in which some events come with earlier times than those before them.</summary>
public sealed class DisorderlyReadModels : ReadModels
{
    public static IReadOnlyList<RecordedEvent> History { get; } = GeneratedHistory.Of(seed: 7, leads: 40, events: 500, inOrder: false);

    public override IReadOnlyList<RecordedEvent> Given => History;
}
