using Crm.Testing;

namespace Crm.Application.Tests;

/// <summary>What a log holds, without when it was recorded and in which position: two that took the same history agree.</summary>
internal static class LogContent
{
    private const string Sql =
        """
        select md5(coalesce(string_agg(concat_ws('|', stream_id, version, id, type, timestamp, data, headers - 'recordedAt', causation_id), E'\n'
                                       order by stream_id, version), ''))
        from crm.mt_events
        """;

    public static async Task<string> HistoryDigest(this TestDatabase database, CancellationToken ct)
    {
        await using var command = database.Superuser.CreateCommand(Sql);
        return (string)(await command.ExecuteScalarAsync(ct) ?? "");
    }
}
