namespace Crm.EventStore.Archives;

/// <summary>What was asked of an archive is refused; nothing was changed.</summary>
public sealed class ArchiveRefusedException(string message) : Exception(message);

/// <summary>One fault of an archive.</summary>
/// <param name="File">The file, below the archive's folder.</param>
/// <param name="First">The first position that is lost by it; null where it touches none.</param>
/// <param name="Last">The last one.</param>
/// <param name="What">What is wrong, for people.</param>
public sealed record ArchiveDamage(string File, long? First, long? Last, string What)
{
    /// <inheritdoc/>
    public override string ToString() => First is null
        ? $"{File}: {What}"
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{File} (positions {First} to {Last}): {What}");
}

/// <summary>An archive is damaged, cut short, or not what its manifest says.</summary>
public sealed class ArchiveDamagedException(IReadOnlyList<ArchiveDamage> damages)
    : Exception("The archive is damaged. " + string.Join(' ', damages.Take(20).Select(static damage => $"{damage}.")))
{
    /// <summary>One fault alone.</summary>
    public ArchiveDamagedException(string file, string what)
        : this([new ArchiveDamage(file, null, null, what)])
    {
    }

    /// <summary>Each fault.</summary>
    public IReadOnlyList<ArchiveDamage> Damages { get; } = damages;
}
