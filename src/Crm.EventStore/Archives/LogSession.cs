using System.Globalization;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>Sessions that read the log for as long as it takes.</summary>
public static class LogSession
{
    /// <summary>
    /// Makes a session ready: no time limit, UTC, and the positions between which the log is read as settings, since <c>COPY</c> takes no
    /// parameters.
    /// </summary>
    public static async Task Prepare(NpgsqlConnection connection, long after, long upTo, CancellationToken ct)
    {
        await using var set = new NpgsqlCommand(
            """
            select set_config('statement_timeout', '0', false), set_config('timezone', 'UTC', false),
                   set_config('crm.upto', $1, false), set_config('crm.after', $2, false)
            """,
            connection);
        set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = upTo.ToString(CultureInfo.InvariantCulture) });
        set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after.ToString(CultureInfo.InvariantCulture) });
        await set.ExecuteNonQueryAsync(ct);
    }
}
