using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Application.Tests.Import;

/// <summary>A database with its log, and a folder of files, for one specification of an import.</summary>
public abstract class ImportedLog : IAsyncLifetime
{
    private EventLog? log;

    private protected TestFolder Folder { get; } = new();

    protected TestDatabase Database { get; } = new();

    /// <summary>The log, opened when it is first asked for.</summary>
    protected EventLog Log => log ??= new EventLog(Database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => Database.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        if (log is not null)
        {
            await log.DisposeAsync();
        }

        await Database.DisposeAsync();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
