using Crm.EventStore.Archives;

namespace Crm.Application.Recovery;

/// <summary>What a restoration is asked for.</summary>
/// <param name="Position">The last position that is restored; null: the archive's last.</param>
/// <param name="GoodPart">Whether a damaged archive is restored up to the last position before the damage.</param>
/// <param name="ReviveApiKeys">Whether API keys go on working; else all of them come back revoked.</param>
/// <param name="Erased">Who has been erased since the archive was made.</param>
public sealed record RestoreRequest(long? Position, bool GoodPart, bool ReviveApiKeys, KnownErasures Erased)
{
    /// <summary>Everything, and nothing that would open a door.</summary>
    public static RestoreRequest Everything { get; } =
        new(Position: null, GoodPart: false, ReviveApiKeys: false, KnownErasures.NotAsked);
}

/// <summary>What a restoration came to.</summary>
/// <param name="Position">The last position that was restored.</param>
/// <param name="Archive">What the archive holds up to there.</param>
/// <param name="Restored">What the restored log holds up to there.</param>
/// <param name="Tables">The read models, with their rows.</param>
/// <param name="Streams">How many streams the restored database has.</param>
/// <param name="TreeEqual">Whether the audit tree has the archive's root; null where the archive knows none for that position.</param>
/// <param name="ErasedAgain">How many leads were erased again, by events after the restored position.</param>
/// <param name="ErasuresFrom">
/// What beside the archive was asked who has been erased since it was made; empty: nothing, and whoever was erased since is back.
/// </param>
/// <param name="RevokedApiKeys">How many API keys were revoked.</param>
/// <param name="Warnings">
/// What somebody should look at: erasures that nobody was asked for, damage, and what was shut after that position and is open again.
/// </param>
/// <param name="Steps">How long each step took.</param>
/// <param name="ResumedAfter">How many events an interrupted run had restored; 0 for one in a single run.</param>
/// <param name="Seconds">How long this run took.</param>
public sealed record RestoreReport(
    long Position, LogContent Archive, LogContent Restored, IReadOnlyList<RecoveredTable> Tables, long Streams, bool? TreeEqual,
    int ErasedAgain, IReadOnlyList<string> ErasuresFrom, int RevokedApiKeys, IReadOnlyList<string> Warnings, IReadOnlyList<RecoveryStep> Steps,
    long ResumedAfter, double Seconds)
{
    /// <summary>Whether the restored log is the archive's, to the byte, with all its streams and its root.</summary>
    public bool Verified => Archive.Sha256 == Restored.Sha256 && Archive.Counts.Same(Restored.Counts)
        && Restored.Counts.Events == Position && Streams == Restored.Counts.Streams && TreeEqual != false;

    /// <summary>The events of the log that were restored per second: reading, loading, indexes, streams.</summary>
    public double EventsPerSecond
    {
        get
        {
            var seconds = Steps.Where(static step => step.Step is ArchiveRecovery.LoadStep or ArchiveRecovery.IndexStep
                or ArchiveRecovery.BelongingsStep).Sum(static step => step.Seconds);
            return seconds > 0 ? Math.Round((Position - ResumedAfter) / seconds) : 0;
        }
    }
}
