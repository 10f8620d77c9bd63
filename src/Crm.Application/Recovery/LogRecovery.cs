using System.Diagnostics;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Schema;
using Crm.EventStore.Sealing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>How far a recovery has come.</summary>
/// <param name="Step">What it is doing.</param>
/// <param name="Fraction">How much of that is done, 0–1.</param>
public sealed record RecoveryProgress(string Step, double Fraction);

/// <summary>How long one step took.</summary>
/// <param name="Step">The step.</param>
/// <param name="Seconds">Its seconds.</param>
public sealed record RecoveryStep(string Step, double Seconds);

/// <summary>A read model's table in the recovered database.</summary>
/// <param name="Table">The table.</param>
/// <param name="Rows">How many rows it holds.</param>
/// <param name="EqualsSource">Whether it equals the source's, row for row; null where the source's stands at another position.</param>
public sealed record RecoveredTable(string Table, long Rows, bool? EqualsSource);

/// <summary>What a recovery came to.</summary>
/// <param name="Position">The position up to which the log was recovered.</param>
/// <param name="Source">What the source's log holds up to there.</param>
/// <param name="Recovered">What the recovered log holds.</param>
/// <param name="Tables">The read models.</param>
/// <param name="RevokedApiKeys">How many API keys were revoked, by events after that position.</param>
/// <param name="Warnings">What was shut after that position, and is open again.</param>
/// <param name="Steps">How long each step took.</param>
/// <param name="ResumedAfter">The position after which an interrupted recovery went on; 0 for one in a single run.</param>
/// <param name="Seconds">How long this run took.</param>
public sealed record RecoveryReport(
    long Position, LogDigest Source, LogDigest Recovered, IReadOnlyList<RecoveredTable> Tables, int RevokedApiKeys,
    IReadOnlyList<string> Warnings, IReadOnlyList<RecoveryStep> Steps, long ResumedAfter, double Seconds)
{
    /// <summary>Whether the recovered log is the source's, to the byte, and no read model that could be compared differs.</summary>
    public bool Verified =>
        Source == Recovered && Source.LastPosition == Position && Tables.All(static table => table.EqualsSource != false);

    /// <summary>Events recovered per second, everything included.</summary>
    public double EventsPerSecond => Seconds > 0 ? Math.Round(Recovered.Events / Seconds) : 0;
}

/// <summary>
/// Recovers by replay: fills an empty database with the log up to a position and every read model that follows from it, and checks the
/// outcome against the source. The source is only read, and may go on working.
/// </summary>
/// <remarks>
/// API keys come back revoked, on the record, unless told otherwise: what was revoked after the moment would open again.
/// </remarks>
public sealed class LogRecovery(
    CrmDatabase source, NpgsqlDataSource owner, NpgsqlDataSource app, MasterKeys masters, IReadOnlyList<Projection> projections,
    TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>Recovers the log up to a position.</summary>
    /// <param name="position">The last position that is recovered.</param>
    /// <param name="reviveApiKeys">Whether API keys go on working; else all of them come back revoked.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it; the same call goes on where it stopped.</param>
    /// <exception cref="RecoveryRefusedException">The database is not empty, or the log has no such position.</exception>
    public async Task<RecoveryReport> To(long position, bool reviveApiKeys, IProgress<RecoveryProgress>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var steps = new RecoverySteps(progress);
        var firstEvent = await FirstEvent(position, ct);
        var marker = await steps.Do("prepare", async _ =>
        {
            RecoveryMarker claimed;
            await using (var target = await owner.OpenConnectionAsync(ct))
            {
                claimed = await RecoveryMarker.Claim(target, firstEvent, position, ct);
            }

            await Migrations.Apply(owner, ct);
            return claimed;
        });

        var copy = new LogCopy(source.App, owner, position);
        await steps.Do("copy the log", part => copy.Events(marker.Copied, new Share(part, position), ct));
        var wasRevoking = await HoldsRevocationsBeyond(position, ct);
        LogDigest expected, found;
        await using (var log = new EventLog(app, EventJson.Catalog, masters, new LogPosition()))
        {
            await steps.Do("keys, receipts, counter", async _ =>
            {
                // Before anything is read there: what is sealed opens with these.
                await copy.SubjectKeys(ct);
                await copy.Belongings(
                    [.. await RecoveredKeys.Of(log, UserStream.Kind, ct), .. await RecoveredKeys.Of(log, TeamStream.Kind, ct)],
                    reviveApiKeys,
                    ct);
            });
            // The log stands: it is compared while the read models are built.
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var comparing = OrStop(stop, token => steps.Do("verify the log", _ => Digests(position, wasRevoking, token)));
            var building = OrStop(stop, async token =>
            {
                await ReadModelBuilds.All(app, log, projections, loggers, steps, token);
                return true;
            });
            await Task.WhenAll(building, comparing);
            (expected, found) = await comparing;
        }

        await steps.Do("external ids of leads", _ => RecoveredKeys.ClaimExternalIds(owner, ct));
        progress?.Report(new RecoveryProgress("verify", 0));
        var tables = await steps.Do(
            "verify the read models", _ => ReadModelCheck.Compare(source.App, app, projections, position, wasRevoking, ct));
        var warnings = await Reopened.Since(source.App, position, ct);
        var report = new RecoveryReport(
            position, expected, found, tables, RevokedApiKeys: 0, warnings, steps.Done, marker.Copied, clock.Elapsed.TotalSeconds);
        if (report.Verified)
        {
            var revoked = reviveApiKeys ? 0 : await steps.Do("revoke API keys", _ => RevokeApiKeys(ct));
            report = report with { RevokedApiKeys = revoked, Steps = steps.Done, Seconds = clock.Elapsed.TotalSeconds };
            await using var target = await owner.OpenConnectionAsync(ct);
            await RecoveryMarker.HasFinished(target, found.Sha256, ct);
        }

        progress?.Report(new RecoveryProgress("verify", 1));
        return report;
    }

    private async Task<(LogDigest Expected, LogDigest Found)> Digests(long position, bool wasRevoking, CancellationToken ct)
    {
        var sides = await Task.WhenAll(
            LogDigest.Of(source.App, position, ct), LogDigest.Of(owner, wasRevoking ? position : long.MaxValue, ct));
        return (sides[0], sides[1]);
    }

    /// <summary>Does something, and stops the others when it fails.</summary>
    private static async Task<T> OrStop<T>(CancellationTokenSource stop, Func<CancellationToken, Task<T>> work)
    {
        try
        {
            return await work(stop.Token);
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private async Task<int> RevokeApiKeys(CancellationToken ct)
    {
        await using var log = new EventLog(app, EventJson.Catalog, masters, new LogPosition());
        return await RevokedKeys.All(log, "recovered by replay", time.GetUtcNow(), ct);
    }

    /// <summary>
    /// Whether an earlier run came so far as to revoke API keys, which it does when everything has been verified: then, and only then, the
    /// recovered log goes on beyond the position.
    /// </summary>
    private async Task<bool> HoldsRevocationsBeyond(long position, CancellationToken ct)
    {
        await using var look = owner.CreateCommand(
            "select coalesce(bool_and(type = 'api-key-revoked'), false) from crm.mt_events where seq_id > $1");
        look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        return await look.ExecuteScalarAsync(ct) is true;
    }

    private async Task<Guid> FirstEvent(long position, CancellationToken ct)
    {
        await using var log = source.App.CreateCommand("select seq_id, id from crm.mt_events where seq_id in (1, $1)");
        log.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        var found = new Dictionary<long, Guid>();
        await using var reader = await log.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            found.Add(reader.GetInt64(0), reader.GetGuid(1));
        }

        return found.ContainsKey(position) && found.TryGetValue(1, out var first)
            ? first
            : throw new RecoveryRefusedException($"The log has no position {position}.");
    }

    private sealed class Share(IProgress<double> part, long total) : IProgress<long>
    {
        public void Report(long value) => part.Report((double)value / total);
    }
}
