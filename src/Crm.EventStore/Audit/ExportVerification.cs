using System.Diagnostics;
using System.Text.Json;

namespace Crm.EventStore.Audit;

/// <summary>
/// Verifies an export (<see cref="AuditExport"/>) with nothing but itself and the public key of whoever signed it: each line in canonical
/// form, each event the one that the tree took, the root at each head that of all events before it. It holds one stretch in memory.
/// </summary>
public sealed class ExportVerification
{
    private const int Hash = MerkleTree.HashBytes;
    private const int KeptHashes = 4 * TreeEdge.TileHashes;

    private readonly CompactRange tree = new();
    private readonly Queue<SignedHead> elsewhere = new();
    private readonly Findings findings;
    private readonly HeadCheck heads;
    private readonly LeafComparison comparison;
    private byte[] window = [];
    private long windowFirst = 1;
    private long expected = 1;
    private long announced;

    /// <summary>Verifies an export by these keys.</summary>
    /// <param name="trusted">The keys that heads must be signed by.</param>
    /// <param name="kept">Signed heads that were kept elsewhere; they must fit as well.</param>
    public ExportVerification(IReadOnlyList<NoteKey> trusted, IReadOnlyList<string>? kept = null)
    {
        findings = new Findings();
        heads = new HeadCheck(trusted, findings);
        comparison = new LeafComparison(findings);
        var read = (kept ?? []).Select(note => heads.Read(note, "A head that was kept elsewhere")).OfType<SignedHead>();
        foreach (var signed in read.OrderBy(static signed => signed.Head.Size))
        {
            elsewhere.Enqueue(signed);
        }
    }

    /// <summary>Verifies an export; once.</summary>
    /// <param name="export">The export.</param>
    /// <param name="progress">Told how much is done, 0–1.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidDataException">It is no export.</exception>
    public async Task<VerificationReport> Run(Stream export, IProgress<double>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var lines = new LinesOfBytes(export);
        announced = await lines.Next(ct) is { } first ? SizeOf(first) : throw NoExport();
        while (await lines.Next(ct) is { } line)
        {
            Take(line.Span, lines.Number);
            if (lines.Number % 10_000 == 0)
            {
                progress?.Report(announced == 0 ? 1 : (double)expected / announced);
            }
        }

        comparison.End(announced);
        if (heads.VouchedFor < expected - 1 && findings.Count == 0)
        {
            findings.Add(
                FindingKind.Head, heads.VouchedFor + 1,
                $"Positions {heads.VouchedFor + 1} to {expected - 1} are signed by no head: the export was cut off, or added to.");
        }

        foreach (var beyond in elsewhere)
        {
            findings.Add(
                FindingKind.Head, expected, $"{beyond.Where} is of size {beyond.Head.Size}; the export ends at position {expected - 1}.");
        }

        findings.Vouch(heads.VouchedFor);
        return new VerificationReport(
            findings.Count == 0, tree.Size, expected - 1, announced, Convert.ToBase64String(tree.Root()), heads.Right, heads.VouchedFor,
            findings.Kept, findings.Count, Math.Round(clock.Elapsed.TotalSeconds, 3));
    }

    private static InvalidDataException NoExport() => new($"The file is no export: its first line does not say {AuditExport.Format}.");

    private static long SizeOf(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var first = JsonDocument.Parse(line);
            return first.RootElement.GetProperty("format").GetString() == AuditExport.Format
                ? first.RootElement.GetProperty("size").GetInt64()
                : throw NoExport();
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw NoExport();
        }
    }

    private void Take(ReadOnlySpan<byte> line, long number)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            reader.Read();
            reader.Read();
            if (reader.ValueTextEquals("head"u8))
            {
                reader.Read();
                Head(reader.GetString() ?? "");
            }
            else if (reader.ValueTextEquals("first"u8))
            {
                Hashes(ref reader);
            }
            else
            {
                Event(line);
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or FormatException)
        {
            findings.Add(FindingKind.Changed, expected, $"Line {number}, at position {expected}, cannot be read.");
        }
    }

    private void Head(string note)
    {
        if (heads.Read(note, "A head in the export") is { } signed)
        {
            heads.Compare(signed, tree.Size == signed.Head.Size ? tree.Root() : []);
        }
    }

    private void Hashes(ref Utf8JsonReader reader)
    {
        reader.Read();
        var first = reader.GetInt64();
        reader.Read();
        reader.Read();
        var hashes = reader.GetBytesFromBase64();
        if (first != windowFirst + (window.Length / Hash) || hashes.Length % Hash != 0)
        {
            findings.Add(FindingKind.Tile, first, $"The export's hashes of position {first} are not where they should be.");
            return;
        }

        window = [.. window, .. hashes];
        var surplus = (window.Length / Hash) - KeptHashes;
        if (surplus > 0)
        {
            window = window[(surplus * Hash)..];
            windowFirst += surplus;
        }

        comparison.Window(windowFirst, window);
    }

    private void Event(ReadOnlySpan<byte> line)
    {
        var position = PositionOf(line);
        if (!line.SequenceEqual(CanonicalJson.Of(line)))
        {
            findings.Add(FindingKind.Changed, position, $"The event at position {position} is not in its canonical form.");
        }

        var hash = MerkleTree.LeafHash(line);
        comparison.Next(position, line, hash);
        tree.Append(hash);
        expected = Math.Max(expected, position + 1);
        while (elsewhere.TryPeek(out var signed) && signed.Head.Size <= position)
        {
            heads.Compare(elsewhere.Dequeue(), tree.Size == signed.Head.Size ? tree.Root() : []);
        }
    }

    private static long PositionOf(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isPosition = reader.ValueTextEquals("position"u8);
            reader.Read();
            if (isPosition)
            {
                return reader.GetInt64();
            }

            reader.Skip();
        }

        throw new FormatException("An event has a position.");
    }
}
