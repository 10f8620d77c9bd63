using System.Data;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>The writer's own connection: kept open, with the batch prepared on it, and opened anew when it was lost.</summary>
internal sealed class WriterConnection(NpgsqlDataSource database, EventLogOptions options) : IDisposable
{
    private NpgsqlConnection? connection;

    /// <summary>Whether the connection still stands.</summary>
    public bool IsOpen => connection is { FullState: ConnectionState.Open };

    /// <summary>Opens the connection when there is none.</summary>
    /// <returns>What is in the way; null when the batch can run.</returns>
    public Exception? Ensure(AppendBatch batch, TimeSpan atMost)
    {
        if (IsOpen)
        {
            return null;
        }

        Drop();
        using var patience = new CancellationTokenSource(atMost);
        try
        {
            // Only the asynchronous way of opening can be given up in time; the writer's thread has nothing else to do meanwhile.
            connection = database.OpenConnectionAsync(patience.Token).AsTask().GetAwaiter().GetResult();
            Configure(connection);
            batch.Prepare(connection, options.StatementTimeout + options.LockTimeout);
            return null;
        }
        catch (Exception unreachable) when (unreachable is NpgsqlException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException)
        {
            Drop();
            return unreachable;
        }
    }

    /// <summary>Gives the connection up.</summary>
    public void Drop()
    {
        if (connection is { } old)
        {
            connection = null;
            Reset(old);
            old.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    // Every statement of an append reaches its rows by an index, whatever the statistics say of tables that were empty a minute ago.
    private void Configure(NpgsqlConnection opened)
    {
        using var command = new NpgsqlCommand(
            """
            select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false),
                set_config('default_transaction_isolation', 'read committed', false), set_config('plan_cache_mode', 'force_generic_plan', false),
                set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
                set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false)
            """,
            opened)
        {
            Parameters = { new() { Value = Milliseconds(options.LockTimeout) }, new() { Value = Milliseconds(options.StatementTimeout) } },
        };
        command.ExecuteNonQuery();
    }

    // Its pool may give it to somebody else, and may be one that resets nothing.
    private static void Reset(NpgsqlConnection old)
    {
        if (old.FullState != ConnectionState.Open)
        {
            return;
        }

        try
        {
            using var command = new NpgsqlCommand(
                """
                reset lock_timeout; reset statement_timeout; reset default_transaction_isolation; reset plan_cache_mode;
                reset enable_seqscan; reset enable_hashjoin; reset enable_mergejoin; reset jit
                """,
                old) { CommandTimeout = 5 };
            command.ExecuteNonQuery();
        }
        catch (Exception broken) when (broken is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
        {
            // It is broken: then it does not go back to the pool.
        }
    }

    private static string Milliseconds(TimeSpan time) => FormattableString.Invariant($"{(long)time.TotalMilliseconds}ms");
}
