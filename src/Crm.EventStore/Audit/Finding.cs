using System.Globalization;

namespace Crm.EventStore.Audit;

/// <summary>What can be wrong with a history.</summary>
public enum FindingKind
{
    /// <summary>The event of this position is not the one that was taken into the tree.</summary>
    Changed,

    /// <summary>The position is not there.</summary>
    Missing,

    /// <summary>The event of this position was taken out, and those behind it moved up.</summary>
    Removed,

    /// <summary>The event of this position was never taken into the tree, and those behind it moved down.</summary>
    Inserted,

    /// <summary>This position holds the event of another.</summary>
    Reordered,

    /// <summary>A stored hash of the tree is missing or was changed; the events themselves are as they were signed.</summary>
    Tile,

    /// <summary>A head is not what was signed, or what was signed is not what is there.</summary>
    Head,

    /// <summary>A stream's versions are not 1, 2, 3 … or not those that the stream says.</summary>
    Stream,

    /// <summary>The log's counter does not stand at its last position.</summary>
    Counter,

    /// <summary>Log, tree or heads are less than an earlier verification saw, or the log is another.</summary>
    Verified,
}

/// <summary>Something that is wrong.</summary>
/// <param name="Kind">What.</param>
/// <param name="Position">Where: the first position that it concerns; 0 where it concerns none.</param>
/// <param name="Says">In words.</param>
public sealed record Finding(FindingKind Kind, long Position, string Says);

/// <summary>What was found, up to a number that people can read; the rest is counted.</summary>
internal sealed class Findings
{
    private const int Most = 100;

    private readonly List<Finding> kept = [];

    /// <summary>What was found first.</summary>
    public IReadOnlyList<Finding> Kept => kept;

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Whether so much is wrong that one more is only counted.</summary>
    public bool IsFull => kept.Count >= Most;

    /// <summary>Adds one.</summary>
    public void Add(FindingKind kind, long position, FormattableString says)
    {
        Count++;
        if (!IsFull)
        {
            kept.Add(new Finding(kind, position, says.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>
    /// Says what it means that a signed head of a size fits: the events up to there are what was signed, so that where a stored hash does
    /// not fit, the hash was changed.
    /// </summary>
    public void Vouch(long size)
    {
        for (var at = 0; at < kept.Count; at++)
        {
            var (kind, position, _) = kept[at];
            if (position <= size && kind is FindingKind.Changed or FindingKind.Removed or FindingKind.Inserted or FindingKind.Reordered)
            {
                var says = string.Create(CultureInfo.InvariantCulture, $"The stored hash of position {position} is not that of its event.");
                kept[at] = new Finding(FindingKind.Tile, position, says);
            }
        }
    }

    /// <summary>Says of a position something better than what was said before.</summary>
    public void Better(FindingKind before, FindingKind kind, long position, FormattableString says)
    {
        var at = kept.FindIndex(finding => finding.Kind == before && finding.Position == position);
        if (at >= 0)
        {
            kept[at] = new Finding(kind, position, says.ToString(CultureInfo.InvariantCulture));
        }
    }
}
