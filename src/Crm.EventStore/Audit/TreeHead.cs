using System.Globalization;

namespace Crm.EventStore.Audit;

/// <summary>
/// What is said of the log at one size: its root. As a note's text it is a C2SP tlog-checkpoint: a line each for the log's name, the size,
/// and the root in base64.
/// </summary>
/// <param name="Origin">The log's name, which no other log has.</param>
/// <param name="Size">How many events it holds: the last one's position.</param>
/// <param name="Root">The root of the tree over them.</param>
public sealed record TreeHead(string Origin, long Size, byte[] Root)
{
    /// <summary>The text that is signed.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    /// <summary>Reads a checkpoint's text. Lines after the third are an extension of somebody else's, and passed over.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TreeHead Parse(string text)
    {
        var lines = text.Split('\n');
        var root = new byte[text.Length];
        return lines is [{ Length: > 0 } origin, { Length: > 0 } written, var base64, .. var rest, ""]
            && rest.All(static line => line.Length > 0)
            && long.TryParse(written, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && (written is "0" || written[0] != '0')
            && Convert.TryFromBase64String(base64, root, out var length) && length == MerkleTree.HashBytes
            ? new TreeHead(origin, size, root[..length])
            : throw new FormatException("A checkpoint is a log's name, its size and its root, a line each.");
    }

    /// <summary>Whether both say the same.</summary>
    public bool Equals(TreeHead? other) =>
        other is not null && Origin == other.Origin && Size == other.Size && Root.AsSpan().SequenceEqual(other.Root);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Origin, Size);
}
