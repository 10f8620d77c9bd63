using System.Diagnostics;
using System.Globalization;
using Crm.Application.Recovery;
using Crm.EventStore.Archives;
using Crm.EventStore.Audit;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Sealing;
using Microsoft.Extensions.Logging;

namespace Crm.Application.Drill;

/// <summary>
/// Restores an archive into a throwaway database, does to it what nobody wishes for, sees that it is noticed, recovers by the archive,
/// times each, and at last works with what was recovered.
/// </summary>
/// <param name="folder">The archive.</param>
/// <param name="key">Its key; null: it is not encrypted.</param>
/// <param name="masters">The master keys with which the archived log was sealed.</param>
/// <param name="projections">The read models.</param>
/// <param name="ground">Where the throwaway databases are made; left empty at the end, however that comes.</param>
/// <param name="time">The clock by which the archive is old, and the drill's own events happen.</param>
/// <param name="loggers">Told of what it does.</param>
public sealed class RecoveryDrill(
    ArchiveFolder folder, ArchiveKey? key, MasterKeys masters, IReadOnlyList<Projection> projections, DrillGround ground, TimeProvider time,
    ILoggerFactory loggers)
{
    private const string Restore = "S4-35, S4-37, S4-38";
    private const string Loss = "S4-28, S4-37";

    private readonly CultureInfo invariant = CultureInfo.InvariantCulture;

    /// <summary>Drills; once.</summary>
    /// <param name="place">Where the throwaway databases stand, for the report.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it; nothing of it is left.</param>
    public async Task<DrillReport> Run(string place, IProgress<RecoveryProgress>? progress, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var started = time.GetUtcNow();
        var steps = new DrillSteps(progress);
        ArchiveManifest? manifest = null;
        try
        {
            if (await steps.Do("read the archive's manifest", "S4-36", bound: null, async _ =>
            {
                manifest = await folder.Read(key, ct);
                return string.Create(invariant, $"{manifest.LastPosition:N0} events, of {manifest.UpdatedAt:u}.");
            }, ct) && manifest is not null)
            {
                steps.Add(Age(manifest, started));
                await All(manifest, steps, ct);
            }
        }
        finally
        {
            await ground.Clear();
        }

        double? loss = manifest is null ? null : Math.Round((started - manifest.UpdatedAt).TotalSeconds);
        return new DrillReport(
            started, folder.Root, manifest?.Log, manifest?.UpdatedAt, manifest?.LastPosition ?? 0, place,
            steps.Done.All(static step => step.Passed != false), Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3), loss,
            SignedBy: null, Unsigned: null, steps.Done);
    }

    private static DrillStep Age(ArchiveManifest manifest, DateTimeOffset now)
    {
        var age = now - manifest.UpdatedAt;
        var fresh = age <= DrillBounds.Loss;
        return new DrillStep(
            "age of the archive", "S4-29, S4-36", fresh, Math.Round(age.TotalSeconds), DrillBounds.Loss.TotalSeconds,
            string.Create(
                CultureInfo.InvariantCulture,
                $"What came after {manifest.UpdatedAt:u} would be lost: {age.TotalHours:F1} h{(fresh ? "" : ", MORE THAN IS ACCEPTED")}."));
    }

    private async Task All(ArchiveManifest manifest, DrillSteps steps, CancellationToken ct)
    {
        CrmDatabase? stands = null;
        CrmDatabase Database() => stands ?? throw new InvalidOperationException("Nothing is done before the first restoration.");
        async Task<string> Restored(IProgress<RecoveryProgress>? part)
        {
            stands = await ground.Fresh(ct);
            return await Restoration(stands, manifest, part, ct);
        }

        _ = await steps.Do("check every file of the archive", "S4-35", bound: null, part => Check(part, ct), ct)
            && await steps.Do("restore the archive", Restore, DrillBounds.Level4, Restored, ct)
            && await steps.Do(
                "read models are gone", Loss, DrillBounds.Level3,
                part => LostReadModels.Drill(Database().App, Log, projections, loggers, part, ct), ct)
            && await steps.Do(
                "an event is corrupted", Loss, DrillBounds.Level1,
                part => Damaged(Database(), DamagedLog.Corrupt, Restored, part, ct), ct)
            && await steps.Do(
                "a range of events is deleted", Loss, DrillBounds.Level2,
                part => Damaged(Database(), DamagedLog.Delete, Restored, part, ct), ct)
            && await steps.Do("the node is lost", Loss, DrillBounds.Level4, async part =>
            {
                // The database is removed as a whole, with its log, keys and read models, before the next one is made.
                await ground.Clear();
                return $"Everything of it was removed. {await Restored(part)}";
            }, ct)
            && await Work(Database(), steps, ct);
    }

    private async Task<string> Check(IProgress<RecoveryProgress> part, CancellationToken ct)
    {
        var report = await ArchiveCheck.Run(folder, key, new Fraction(part, "check"), ct);
        return report.Damages.Count == 0
            ? string.Create(invariant, $"Whole: {report.Counts.Events:N0} events in {report.Counts.Streams:N0} streams.")
            : throw new ArchiveDamagedException(report.Damages);
    }

    private async Task<string> Restoration(
        CrmDatabase target, ArchiveManifest manifest, IProgress<RecoveryProgress>? part, CancellationToken ct)
    {
        // To the position that the drill began with: the archive may be added to meanwhile.
        var request = RestoreRequest.Everything with { Position = manifest.LastPosition };
        var report = await new ArchiveRecovery(
            folder, key, target.Owner ?? target.App, target.App, masters, projections, time, loggers).Run(request, part, ct);
        if (!report.Verified || !report.Restored.Counts.Same(manifest.Counts))
        {
            throw new DrillFailedException(string.Create(
                invariant, $"What was restored is NOT the archive: {report.Restored.Counts.Events} events of {manifest.Counts.Events}."));
        }

        // The restoration may have added events, such as revocations: they are taken into the tree as the host would.
        await using var log = Log(target);
        await ArchiveTree.At(target.App, await log.LastPosition(ct), isRestored: true, progress: null, ct);
        return string.Create(
            invariant,
            $"{report.Restored.Counts.Events:N0} events in {report.Streams:N0} streams, as the manifest says; "
            + $"{report.Tables.Sum(static table => table.Rows):N0} rows in {report.Tables.Count} tables of read models; "
            + $"{Root(report.TreeEqual)}.");
    }

    private static string Root(bool? equal) =>
        equal == true ? "the root of the audit tree is the archive's" : "the archive knows no root of the audit tree";

    private static async Task<string> Damaged(
        CrmDatabase database, Func<CrmDatabase, CancellationToken, Task<Damage>> harm,
        Func<IProgress<RecoveryProgress>?, Task<string>> restored, IProgress<RecoveryProgress> part, CancellationToken ct)
    {
        var damage = await harm(database, ct);
        var began = Stopwatch.GetTimestamp();
        var verification = await new LogVerification(database.App).Run(new Fraction(part, "verify"), ct);
        var noticed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var named = verification.Findings.FirstOrDefault(finding => finding.Kind == damage.Expected && finding.Position == damage.First)
            ?? throw new DrillFailedException($"{damage.Says} Verification did NOT name it.");
        began = Stopwatch.GetTimestamp();
        var says = await restored(part);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{damage.Says} Noticed in {noticed:F1} s: {named.Says} Recovered in {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s: {says}");
    }

    private async Task<bool> Work(CrmDatabase database, DrillSteps steps, CancellationToken ct)
    {
        await using var log = Log(database);
        using var work = new DrillWork(database.App, log, time.GetUtcNow());
        var done = await steps.Do("capture a lead", "S4-35", DrillBounds.Level2, _ => work.Capture(ct), ct)
            && await steps.Do("claim an unassigned lead", "S4-39", DrillBounds.Level2, _ => work.Claim(ct), ct)
            && await steps.Do("log an activity", "S4-40", DrillBounds.Level2, _ => work.LogActivity(ct), ct)
            && await steps.Do(
                "see them in the read models", "S4-35", DrillBounds.Level2, part => work.Look(projections, loggers, part, ct), ct);
        steps.Add(new DrillStep("calendar", "S4-41", Passed: null, 0, BoundSeconds: null, "Not there yet."));
        return done;
    }

    private EventLog Log(CrmDatabase database) => Log(database.App);

    private EventLog Log(Npgsql.NpgsqlDataSource app) => new(app, EventJson.Catalog, masters, new LogPosition());

    private sealed class Fraction(IProgress<RecoveryProgress> part, string step) : IProgress<double>
    {
        public void Report(double value) => part.Report(new RecoveryProgress(step, value));
    }
}
