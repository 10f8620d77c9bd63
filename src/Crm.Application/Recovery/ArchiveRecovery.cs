using System.Diagnostics;
using System.Globalization;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.EventStore.Schema;
using Crm.EventStore.Sealing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>
/// Restores an archive into an empty database: the log, what belongs to it, and every read model, verified against the archive. Nothing
/// but the archive is needed, and the settings with its keys.
/// </summary>
/// <param name="folder">The archive.</param>
/// <param name="key">Its key; null: it is not encrypted.</param>
/// <param name="owner">The new database, in the role that migrates.</param>
/// <param name="app">The same, in the role that the product runs as.</param>
/// <param name="masters">The master keys with which the archived log was sealed.</param>
/// <param name="projections">The read models.</param>
/// <param name="time">The clock of what is recorded by it.</param>
/// <param name="loggers">Told of what it does.</param>
public sealed class ArchiveRecovery(
    ArchiveFolder folder, ArchiveKey? key, NpgsqlDataSource owner, NpgsqlDataSource app, MasterKeys masters,
    IReadOnlyList<Projection> projections, TimeProvider time, ILoggerFactory loggers)
{
    internal const string LoadStep = "load the log";
    internal const string IndexStep = "indexes";
    internal const string BelongingsStep = "streams, keys, receipts, counter";

    /// <summary>Whether the database holds something of it by now: where it fails after that, the database is half filled.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Restores.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it; the same call goes on where it stopped.</param>
    /// <exception cref="RecoveryRefusedException">The database is not empty.</exception>
    /// <exception cref="ArchiveRefusedException">There is no archive, the key is another, or the archive has no such position.</exception>
    /// <exception cref="ArchiveDamagedException">The archive is damaged, and the good part alone was not asked for.</exception>
    public async Task<RestoreReport> Run(RestoreRequest request, IProgress<RecoveryProgress>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var steps = new RecoverySteps(progress);
        var warnings = new List<string>();
        var manifest = await folder.Read(key, ct);
        var position = await steps.Do("check the archive", _ => PositionOf(manifest, request, warnings, ct));
        var restoration = new LogRestoration(owner, folder, manifest, key, position);
        if (restoration.MasterKeys().FirstOrDefault(id => masters.Named(id) is null) is { } missing)
        {
            throw new ArchiveRefusedException(
                $"The archive was sealed with the master key {missing}, which the settings do not hold: nothing personal in it could be read.");
        }

        await steps.Do("prepare", async _ =>
        {
            await using (var target = await owner.OpenConnectionAsync(ct))
            {
                await RecoveryMarker.Claim(target, manifest.Log ?? throw Empty(), position, ct);
            }

            HasBegun = true;
            await Migrations.Apply(owner, ct);
        });
        var before = await steps.Do(LoadStep, part => restoration.Load(part, ct));
        await steps.Do(IndexStep, _ => restoration.MakeIndexes(ct));
        var erased = Erased(manifest, request, warnings, ct);
        var belongings = new RestoredBelongings(owner, restoration, request.ReviveApiKeys, erased);
        await steps.Do(BelongingsStep, _ => belongings.Restore(ct));
        await using var log = new EventLog(app, EventJson.Catalog, masters, new LogPosition());
        await steps.Do("unique keys", _ => belongings.ClaimKeys(log, ct));
        await ReadModelBuilds.All(app, log, projections, loggers, steps, ct);
        await steps.Do("external ids of leads", _ => RecoveredKeys.ClaimExternalIds(owner, ct));
        var comparison = new ArchiveComparison(owner, folder, manifest, key, position);
        var (archive, restored) = await steps.Do("verify the log", part => comparison.Run(part, ct));
        var tree = await steps.Do("audit tree", part => Tree(manifest, position, warnings, part, ct));
        var tables = await steps.Do("count the read models", _ => Tables(ct));
        warnings.AddRange(Reopened.Since(folder, manifest, key, position, ct));
        var revoked = request.ReviveApiKeys
            ? 0
            : await steps.Do("revoke API keys", _ => RevokedKeys.All(log, "restored from an archive", time.GetUtcNow(), ct));
        var erasedAgain = await steps.Do("erase again", _ => ErasedAgain.All(log, erased, time.GetUtcNow(), ct));
        var report = new RestoreReport(
            position, archive, restored, tables, await belongings.Streams(ct),
            manifest.TreeHead?.Size == position ? manifest.TreeHead == tree : null, erasedAgain, request.Erased.From, revoked, warnings, steps.Done,
            before, clock.Elapsed.TotalSeconds);
        if (report.Verified)
        {
            await using var target = await owner.OpenConnectionAsync(ct);
            await RecoveryMarker.HasFinished(target, restored.Sha256, ct);
        }

        return report;
    }

    private async Task<ArchiveTreeHead?> Tree(
        ArchiveManifest manifest, long position, List<string> warnings, IProgress<double> part, CancellationToken ct)
    {
        try
        {
            return await ArchiveTree.At(app, position, isRestored: true, part, ct);
        }
        catch (Exception fault) when (manifest.TreeHead is null && fault is not (OperationCanceledException or NpgsqlException))
        {
            // The archive was written although its log had no whole tree either.
            warnings.Add($"the audit tree could not be made, see crm verify: {fault.Message}");
            return null;
        }
    }

    private async Task<long> PositionOf(ArchiveManifest manifest, RestoreRequest request, List<string> warnings, CancellationToken ct)
    {
        var position = request.Position ?? manifest.LastPosition;
        if (manifest.Log is null)
        {
            throw Empty();
        }

        if (position < 1 || position > manifest.LastPosition)
        {
            throw new ArchiveRefusedException(string.Create(
                CultureInfo.InvariantCulture, $"The archive holds positions 1 to {manifest.LastPosition}, not {position}."));
        }

        if (string.CompareOrdinal(manifest.Schema, Migrations.Latest) > 0)
        {
            throw new ArchiveRefusedException(
                $"The archive is of the schema {manifest.Schema}, which this program does not know yet ({Migrations.Latest}): restore it with its own.");
        }

        var damages = await ArchiveCheck.AsItLies(folder, manifest, position, ct);
        if (damages.Count == 0)
        {
            return position;
        }

        var good = Math.Min(position, ArchiveCheck.GoodUpTo(manifest, damages));
        if (!request.GoodPart || good < 1)
        {
            throw new ArchiveDamagedException(damages);
        }

        warnings.AddRange(damages.Select(static damage => $"damaged: {damage}"));
        return good;
    }

    /// <summary>Who is erased, as the archive knows and whatever else was asked; and what somebody must know where that is not enough.</summary>
    private IReadOnlyCollection<Guid> Erased(ArchiveManifest manifest, RestoreRequest request, List<string> warnings, CancellationToken ct)
    {
        var (streams, unreadable) = ErasedSince.In(folder, manifest, key, ct);
        warnings.InsertRange(0, request.Erased.Warnings);
        if (request.Erased.From.Count == 0)
        {
            warnings.Insert(0, string.Create(
                CultureInfo.InvariantCulture,
                $"WHOEVER WAS ERASED AFTER POSITION {manifest.LastPosition} ({manifest.UpdatedAt:yyyy-MM-dd HH:mm} UTC) IS BACK: ")
                + "nothing newer than the archive was asked. Give --erased-from (a later archive, or a list of ids) to another run into "
                + "an empty database, or erase them again before anybody uses this one.");
        }

        warnings.AddRange(unreadable.Select(static segment => string.Create(
            CultureInfo.InvariantCulture,
            $"{segment.Sought.Values.Sum()} erasures in {segment.Damage.File}, which cannot be read, were taken from the rows of keys")));
        return [.. request.Erased.Streams.Union(streams)];
    }

    private async Task<IReadOnlyList<RecoveredTable>> Tables(CancellationToken ct)
    {
        await using var here = await app.OpenConnectionAsync(ct);
        var tables = new List<RecoveredTable>();
        foreach (var name in projections.SelectMany(static projection => projection.Tables))
        {
            await using var count = new NpgsqlCommand($"select count(*) from crm_read.{name}", here) { CommandTimeout = 0 };
            var rows = Convert.ToInt64(await count.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture);
            tables.Add(new RecoveredTable(name, rows, EqualsSource: null));
        }

        return tables;
    }

    private static ArchiveRefusedException Empty() => new("The archive holds no event.");
}
