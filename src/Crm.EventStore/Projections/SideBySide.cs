using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// What has to be done to a new build's tables once they are filled: statements that take long, some at a time, each in a session and a
/// transaction of its own. Left before it is done, it stops them and waits until they have stopped.
/// </summary>
/// <param name="database">Where the tables stand.</param>
/// <param name="places">
/// How many run at a time, of all rebuilds together: each takes a core of the server, and <see cref="Memory"/>.
/// </param>
/// <param name="ct">Stops them.</param>
internal sealed class SideBySide(NpgsqlDataSource database, SemaphoreSlim places, CancellationToken ct) : IAsyncDisposable
{
    /// <summary>What the server may take to sort for one index.</summary>
    private const string Memory = "64MB";

    private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
    private readonly List<Task> tables = [];

    /// <summary>Begins with a table that is filled: its indexes in this order, and when all are there, what follows on them.</summary>
    public void Start(IEnumerable<string> indexes, string then) => tables.Add(Run(indexes, then));

    /// <summary>Waits until everything is done.</summary>
    public Task Done() => Task.WhenAll(tables);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Done().ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        stop.Dispose();
    }

    private async Task Run(IEnumerable<string> indexes, string then)
    {
        await Task.WhenAll(indexes.Select(Run));
        await Run(then);
    }

    private async Task Run(string sql)
    {
        await places.WaitAsync(stop.Token);
        try
        {
            await using var connection = await database.OpenConnectionAsync(stop.Token);
            await using var transaction = await connection.BeginTransactionAsync(stop.Token);
            await using var command = new NpgsqlCommand(
                "set local statement_timeout = 0; set local synchronous_commit = off; "
                + $"set local maintenance_work_mem = '{Memory}'; {sql}",
                connection)
            { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(stop.Token);
            await transaction.CommitAsync(stop.Token);
        }
        finally
        {
            places.Release();
        }
    }
}
