using System.Data;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>A loop's own connection: kept open, with the loop's statement prepared on it, and opened anew when it was lost.</summary>
/// <param name="database">The database.</param>
/// <param name="options">The timeouts.</param>
/// <param name="prepare">Prepares the loop's statement on a connection that has just been opened.</param>
internal sealed class OwnConnection(NpgsqlDataSource database, EventLogOptions options, Action<NpgsqlConnection> prepare) : IDisposable
{
    private NpgsqlConnection? connection;

    /// <summary>Whether the connection still stands.</summary>
    public bool IsOpen => connection is { FullState: ConnectionState.Open };

    /// <summary>Opens the connection when there is none.</summary>
    /// <returns>What is in the way; null when the connection stands.</returns>
    public Exception? Ensure(TimeSpan atMost)
    {
        if (IsOpen)
        {
            return null;
        }

        Drop();
        using var patience = new CancellationTokenSource(atMost);
        try
        {
            // Only the asynchronous way of opening can be given up in time; the loop's thread has nothing else to do meanwhile.
            connection = database.OpenConnectionAsync(patience.Token).AsTask().GetAwaiter().GetResult();
            Configure(connection);
            prepare(connection);
            return null;
        }
        catch (Exception unreachable) when (
            unreachable is NpgsqlException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException)
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

    // Every statement of the loops reaches its rows by an index, whatever the statistics say of tables that were empty a minute ago.
    // And nothing is answered before it is durable, whatever the role's or the database's own setting is.
    private void Configure(NpgsqlConnection opened)
    {
        using var command = new NpgsqlCommand(
            """
            select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false),
                set_config('default_transaction_isolation', 'read committed', false),
                set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
                set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),
                set_config(
                    'synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end,
                    false)
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
                reset enable_seqscan; reset enable_hashjoin; reset enable_mergejoin; reset jit; reset synchronous_commit
                """,
                old)
            { CommandTimeout = 5 };
            command.ExecuteNonQuery();
        }
        catch (Exception broken) when (broken is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
        {
            // It is broken: then it does not go back to the pool.
        }
    }

    private static string Milliseconds(TimeSpan time) => FormattableString.Invariant($"{(long)time.TotalMilliseconds}ms");
}
