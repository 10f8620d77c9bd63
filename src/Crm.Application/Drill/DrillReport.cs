using Crm.EventStore.LocalPostgres;

namespace Crm.Application.Drill;

/// <summary>One step of a drill.</summary>
/// <param name="Name">What was done.</param>
/// <param name="Requirement">The requirements that it shows.</param>
/// <param name="Passed">Whether it went well and in time; null: there is nothing yet that could be tried.</param>
/// <param name="Seconds">How long it took, everything included.</param>
/// <param name="BoundSeconds">How long it may take (RTO), or how old the archive may be (RPO); null where nothing is asked.</param>
/// <param name="Says">What came of it, for people; never a personal value.</param>
public sealed record DrillStep(string Name, string Requirement, bool? Passed, double Seconds, double? BoundSeconds, string Says);

/// <summary>What a drill came to.</summary>
/// <param name="StartedAt">When it began.</param>
/// <param name="Archive">The archive's folder.</param>
/// <param name="Log">The id of the log's first event, by which a log is known.</param>
/// <param name="ArchivedAt">When the archive was last added to; null where there is none to be read.</param>
/// <param name="Position">The last position that the archive holds.</param>
/// <param name="Place">Where the throwaway databases stood.</param>
/// <param name="Passed">Whether every step went well and in time.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="LossSeconds">
/// What would have been lost if everything else had been: the archive's age (RPO); null where there is none to be read.
/// </param>
/// <param name="SignedBy">The key that signed the report; null where nobody did.</param>
/// <param name="Unsigned">Why nobody signed it; null where somebody did.</param>
/// <param name="Steps">The steps, in the order they were done.</param>
public sealed record DrillReport(
    DateTimeOffset StartedAt, string Archive, Guid? Log, DateTimeOffset? ArchivedAt, long Position, string Place, bool Passed,
    double Seconds, double? LossSeconds, string? SignedBy, string? Unsigned, IReadOnlyList<DrillStep> Steps);

/// <summary>How long a recovery may take, and how much may be lost: the outer bounds of S4-28 and S4-29.</summary>
public static class DrillBounds
{
    /// <summary>Level 1: a few records.</summary>
    public static TimeSpan Level1 { get; } = TimeSpan.FromHours(1);

    /// <summary>Level 2: something does not work.</summary>
    public static TimeSpan Level2 { get; } = TimeSpan.FromHours(4);

    /// <summary>Level 3: the system is down.</summary>
    public static TimeSpan Level3 { get; } = TimeSpan.FromHours(24);

    /// <summary>Level 4: everything is lost.</summary>
    public static TimeSpan Level4 { get; } = TimeSpan.FromHours(48);

    /// <summary>How old the newest archive may be.</summary>
    public static TimeSpan Loss { get; } = TimeSpan.FromHours(24);
}

/// <summary>Something did not come out of the drill as it should have; the message says what.</summary>
internal sealed class DrillFailedException(string message) : Exception(message);

/// <summary>
/// Where a drill may destroy what it likes: databases of names of their own, one at a time, each removed before the next and at the end.
/// </summary>
/// <param name="make">Makes an empty database of a name.</param>
/// <param name="remove">Removes the database of a name; one that is not there is no error.</param>
public sealed class DrillGround(Func<string, CancellationToken, Task<CrmDatabase>> make, Func<string, Task> remove) : IAsyncDisposable
{
    /// <summary>What the name of each database begins with.</summary>
    public const string Prefix = "crm_drill_";

    private readonly string run = Guid.NewGuid().ToString("N")[..12];
    private (string Name, CrmDatabase? Database)? standing;
    private int made;

    /// <summary>Removes the database that stands, and makes an empty one elsewhere.</summary>
    public async Task<CrmDatabase> Fresh(CancellationToken ct)
    {
        await Clear();
        var name = $"{Prefix}{run}_{++made}";

        // Known before it is made: an interrupted making must be cleared away too.
        standing = (name, null);
        var database = await make(name, ct);
        standing = (name, database);
        return database;
    }

    /// <summary>Removes the database that stands.</summary>
    public async Task Clear()
    {
        if (standing is { } last)
        {
            if (last.Database is not null)
            {
                await last.Database.DisposeAsync();
            }

            await remove(last.Name);
            standing = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Clear();
}
