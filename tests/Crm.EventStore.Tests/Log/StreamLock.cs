using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Log;

/// <summary>Somebody else's transaction that holds a lock of the log until it is told to end.</summary>
public sealed class StreamLock : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;

    private StreamLock(NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (this.connection, this.transaction) = (connection, transaction);

    /// <summary>Holds the counter, as an append does that stalls before its commit.</summary>
    public static Task<StreamLock> Counter(NpgsqlDataSource database, CancellationToken ct) =>
        Take(database, "select position from crm.log_counter for update", ct);

    /// <summary>Holds a stream's row.</summary>
    public static Task<StreamLock> Stream(NpgsqlDataSource database, Guid stream, CancellationToken ct) =>
        Take(database, $"select version from crm.mt_streams where id = '{stream}' for update", ct);

    /// <summary>Runs statements in a transaction that stays open.</summary>
    public static async Task<StreamLock> Take(NpgsqlDataSource database, string sql, CancellationToken ct)
    {
        var connection = await database.OpenConnectionAsync(ct);
        var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        await command.ExecuteNonQueryAsync(ct);
        return new StreamLock(connection, transaction);
    }

    /// <summary>Waits until another backend waits for this transaction.</summary>
    public Task IsWaitedFor(NpgsqlDataSource superuser, CancellationToken ct) => Eventually.IsTrue(
        async () => await superuser.Scalar<long>(
            $"select count(*) from pg_stat_activity where {connection.ProcessID} = any(pg_blocking_pids(pid))") > 0,
        ct);

    public Task Rollback() => transaction.RollbackAsync();

    public Task Commit() => transaction.CommitAsync();

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
