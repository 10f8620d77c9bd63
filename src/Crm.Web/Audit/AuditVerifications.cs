using Crm.EventStore.Audit;
using Npgsql;

namespace Crm.Web.Audit;

/// <summary>How the provable history stands.</summary>
/// <param name="Size">How many events the tree holds.</param>
/// <param name="Lag">How many events of the log it does not hold yet.</param>
/// <param name="HeadAt">When the last head was signed; null before the first.</param>
/// <param name="VerifiedAt">When everything was last recomputed; null before the first time.</param>
/// <param name="Sound">Whether nothing was wrong then; null before the first time.</param>
/// <param name="Error">Why this host neither goes on with the tree nor signs it; null while it does.</param>
public sealed record AuditStatus(
    long Size, long Lag, DateTimeOffset? HeadAt, DateTimeOffset? VerifiedAt, bool? Sound, string? Error = null);

/// <summary>What came of recomputing everything, kept where every host sees it.</summary>
public static class AuditVerifications
{
    /// <summary>How the provable history stands.</summary>
    public static async Task<AuditStatus> Status(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var ask = database.CreateCommand(
            """
            select coalesce((select first + length(hashes) / 32 from crm.audit_tiles where level = 0 order by first desc limit 1), 0),
                (select position from crm.log_counter),
                (select at from crm.audit_heads order by number desc limit 1),
                v.at, v.sound
            from (select 1) one left join (select at, sound from crm.audit_verifications order by id desc limit 1) v on true
            """);
        await using var row = await ask.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var (size, position) = (row.GetInt64(0), row.GetInt64(1));
        return new AuditStatus(
            size,
            Math.Max(0, position - size),
            row.IsDBNull(2) ? null : row.GetFieldValue<DateTimeOffset>(2),
            row.IsDBNull(3) ? null : row.GetFieldValue<DateTimeOffset>(3),
            row.IsDBNull(4) ? null : row.GetBoolean(4));
    }
}

/// <summary>Recomputes everything once a day, on one host; what is wrong is logged and told by <c>/health</c> and metrics.</summary>
public sealed partial class AuditWatch(
    NpgsqlDataSource database, AuditOptions options, TimeProvider clock, ILogger<AuditWatch> logger) : BackgroundService
{
    // Not at once: a host that starts has other things to do.
    private static readonly TimeSpan look = TimeSpan.FromMinutes(5);

    /// <summary>Recomputes everything if that is due and no other host is at it.</summary>
    /// <returns>The report; null where nothing was done.</returns>
    public async Task<VerificationReport?> VerifyIfDue(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand(
            "select pg_try_advisory_xact_lock(hashtextextended('crm.audit_verifications', 0))", connection))
        {
            if (await alone.ExecuteScalarAsync(ct) is not true)
            {
                return null;
            }
        }

        if ((await AuditVerifications.Status(database, ct)).VerifiedAt is { } last && clock.GetUtcNow() - last < options.VerifyEvery)
        {
            return null;
        }

        var report = await new LogVerification(database).Run(progress: null, ct);
        await StoredVerifications.Keep(database, report, clock.GetUtcNow(), ct);
        if (report.Sound)
        {
            LogSound(report.Events, report.Seconds);
        }
        else
        {
            LogUnsound(report.FindingsInAll, report.Findings[0].Says);
        }

        return report;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(look, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await VerifyIfDue(stoppingToken);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                LogFault(fault.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The history is as it was signed: {Events} events recomputed in {Seconds} s")]
    private partial void LogSound(long events, double seconds);

    [LoggerMessage(LogLevel.Critical, "THE HISTORY IS NOT WHAT WAS SIGNED, {Findings} findings, the first: {First} Run crm verify")]
    private partial void LogUnsound(long findings, string first);

    [LoggerMessage(LogLevel.Warning, "The history could not be verified and will be tried again: {Reason}")]
    private partial void LogFault(string reason);
}
