using System.Data;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>
/// Two connections that see the database as it was at one moment, whatever is written meanwhile, so that log, tree, heads and keys that
/// are read one after the other belong together. One streams the log, the other reads what is compared with it.
/// </summary>
internal sealed class LogMoment : IAsyncDisposable
{
    // Between two stretches a connection waits for the other.
    private const string Patient = "set transaction read only; set local idle_in_transaction_session_timeout = 0";

    private readonly NpgsqlTransaction logView;
    private readonly NpgsqlTransaction asideView;

    private LogMoment(NpgsqlTransaction logView, NpgsqlTransaction asideView, NpgsqlConnection log, NpgsqlConnection aside) =>
        (this.logView, this.asideView, Log, Aside) = (logView, asideView, log, aside);

    /// <summary>Streams the log.</summary>
    public NpgsqlConnection Log { get; }

    /// <summary>Reads everything else.</summary>
    public NpgsqlConnection Aside { get; }

    /// <summary>The moment that is now.</summary>
    public static async Task<LogMoment> Take(NpgsqlDataSource database, CancellationToken ct)
    {
        NpgsqlConnection? log = null;
        NpgsqlConnection? aside = null;
        try
        {
            log = await database.OpenConnectionAsync(ct);
            var logView = await log.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            await Run(log, Patient, ct);
            await using var export = new NpgsqlCommand("select pg_export_snapshot()", log);
            var snapshot = await export.ExecuteScalarAsync(ct) as string;
            aside = await database.OpenConnectionAsync(ct);
            var asideView = await aside.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);

            // It takes no parameters; what it is given is PostgreSQL's own name of the snapshot.
            await Run(aside, $"set transaction snapshot '{snapshot}'; {Patient}", ct);
            return new LogMoment(logView, asideView, log, aside);
        }
        catch
        {
            await Close(aside);
            await Close(log);
            throw;
        }
    }

    /// <summary>Lets go of the moment. Nothing was written.</summary>
    public async ValueTask DisposeAsync()
    {
        await asideView.DisposeAsync();
        await logView.DisposeAsync();
        await Aside.DisposeAsync();
        await Log.DisposeAsync();
    }

    private static async Task Run(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task Close(NpgsqlConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }
}
