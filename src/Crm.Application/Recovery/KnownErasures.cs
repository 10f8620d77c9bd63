namespace Crm.Application.Recovery;

/// <summary>Who has been erased since an archive was made, as far as something newer than the archive could be asked.</summary>
/// <param name="Streams">The streams whose subjects were erased.</param>
/// <param name="From">What was asked, for people; empty: nothing was, and whoever was erased since comes back.</param>
/// <param name="Warnings">What somebody should look at: why something could not be asked, or could only in part.</param>
public sealed record KnownErasures(IReadOnlyCollection<Guid> Streams, IReadOnlyList<string> From, IReadOnlyList<string> Warnings)
{
    /// <summary>Nothing was asked.</summary>
    public static KnownErasures NotAsked { get; } = new([], [], []);

    /// <summary>What one source knows.</summary>
    public static KnownErasures Of(string source, IReadOnlyCollection<Guid> streams) => new(streams, [source], []);

    /// <summary>What two know together.</summary>
    public KnownErasures And(KnownErasures other) =>
        new([.. Streams.Union(other.Streams)], [.. From, .. other.From], [.. Warnings, .. other.Warnings]);
}
