using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Crm.EventStore.Audit;

/// <summary>
/// Compares events as they are now with the leaf hashes that the tree took of them, one after the other, and says of what does not fit
/// whether it was changed, taken out, put in or moved. A leaf's content holds its position: an event is found again behind a hole that was
/// closed, or at another's place, by the hash that it would have there.
/// </summary>
internal sealed class LeafComparison(Findings findings)
{
    private const int Hash = MerkleTree.HashBytes;

    // So far is looked for events that moved.
    private const int Reach = 64;
    private const int MostSuspects = 20;

    private readonly List<(long Position, byte[] Stored)> pending = [];
    private readonly List<(long Position, byte[] Stored)> suspects = [];
    private (long Position, long ShiftBefore, byte[] Stored)? jump;
    private byte[] window = [];
    private long windowFirst = 1;
    private long shift;
    private long expected = 1;

    /// <summary>How many hashes before and after those of the events the window should hold.</summary>
    public const int Margin = 2 * Reach * MostSuspects;

    /// <summary>The leaf hashes that the tree holds, from a position on; one that it has lost is all zeros.</summary>
    public void Window(long first, byte[] hashes) => (windowFirst, window) = (first, hashes);

    /// <summary>The next event.</summary>
    /// <param name="position">Its position.</param>
    /// <param name="canonical">Its canonical object.</param>
    /// <param name="hash">That one's leaf hash.</param>
    public void Next(long position, ReadOnlySpan<byte> canonical, ReadOnlySpan<byte> hash)
    {
        if (position < expected)
        {
            findings.Add(FindingKind.Reordered, position, $"Position {position} comes after position {expected - 1}.");
            return;
        }

        if (position > expected)
        {
            findings.Add(FindingKind.Missing, expected, $"{Positions(expected, position - 1)} not there.");
        }

        expected = position + 1;
        if (shift == 0 ? Stored(position).SequenceEqual(hash) : Fits(canonical, position + shift))
        {
            Settle();
        }
        else if (!IsJumpTakenBack(position, canonical))
        {
            Explain(position, canonical);
        }
    }

    /// <summary>Nothing comes after.</summary>
    /// <param name="size">How many events the tree holds.</param>
    public void End(long size)
    {
        Settle();
        if (expected + shift <= size)
        {
            findings.Add(FindingKind.Missing, expected + shift, $"{Positions(expected + shift, size)} not there, at the end of the log.");
        }
    }

    private void Settle()
    {
        if (jump is { } made)
        {
            var (from, to) = (made.Position + made.ShiftBefore, made.Position + shift - 1);
            findings.Add(FindingKind.Removed, from, $"{Positions(from, to)} taken out, and what follows has moved up.");
            jump = null;
        }

        foreach (var changed in pending)
        {
            Changed(changed.Position, changed.Stored);
        }

        pending.Clear();
    }

    /// <summary>
    /// The event before looked as if some had been taken out before it. When this one stands where it always stood, that one was moved.
    /// </summary>
    private bool IsJumpTakenBack(long position, ReadOnlySpan<byte> canonical)
    {
        if (jump is not { } made)
        {
            return false;
        }

        var isInPlace = Fits(canonical, position + made.ShiftBefore);
        if (!isInPlace && Stored(position + shift).IsEmpty && !made.Stored.AsSpan().SequenceEqual(HashAt(canonical, made.Position)))
        {
            return false;
        }

        var other = made.Position + shift;
        findings.Add(FindingKind.Reordered, made.Position, $"Position {made.Position} holds the event of position {other}.");
        Suspect(made.Position, made.Stored);
        (shift, jump) = (made.ShiftBefore, null);
        if (!isInPlace)
        {
            Explain(position, canonical);
        }

        return true;
    }

    private void Explain(long position, ReadOnlySpan<byte> canonical)
    {
        var stored = Stored(position + shift);
        if (stored.IsEmpty)
        {
            return; // an event that the tree has not taken yet; a hash that it has lost is told elsewhere
        }

        foreach (var (other, hash) in suspects)
        {
            if (hash.AsSpan().SequenceEqual(HashAt(canonical, other)))
            {
                findings.Better(FindingKind.Changed, FindingKind.Reordered, other, $"Position {other} holds another position's event.");
                findings.Add(FindingKind.Reordered, position, $"Position {position} holds the event of position {other}.");
                return;
            }
        }

        if (findings.IsFull)
        {
            Settle();
            Changed(position, stored);
            return;
        }

        for (var back = 1; back <= pending.Count; back++)
        {
            if (Fits(canonical, position + shift - back))
            {
                PutIn(back);
                return;
            }
        }

        for (var ahead = 1; ahead <= Reach && pending.Count == 0; ahead++)
        {
            if (Fits(canonical, position + shift + ahead))
            {
                jump = (position, shift, stored.ToArray());
                shift += ahead;
                return;
            }
        }

        pending.Add((position, stored.ToArray()));
        if (pending.Count > Reach)
        {
            Changed(pending[0].Position, pending[0].Stored);
            pending.RemoveAt(0);
        }
    }

    /// <summary>Of the events that did not fit, the last so many were put in: behind them everything fits again.</summary>
    private void PutIn(int count)
    {
        foreach (var changed in pending.SkipLast(count))
        {
            Changed(changed.Position, changed.Stored);
        }

        var (from, to) = (pending[^count].Position, pending[^1].Position);
        findings.Add(FindingKind.Inserted, from, $"{Positions(from, to)} put in, and what follows has moved down.");
        pending.Clear();
        shift -= count;
    }

    private void Changed(long position, ReadOnlySpan<byte> stored)
    {
        findings.Add(FindingKind.Changed, position, $"Position {position} is not the event that was taken into the tree.");
        Suspect(position, stored);
    }

    private void Suspect(long position, ReadOnlySpan<byte> stored)
    {
        if (suspects.Count < MostSuspects)
        {
            suspects.Add((position, stored.ToArray()));
        }
    }

    private bool Fits(ReadOnlySpan<byte> canonical, long position) =>
        Stored(position) is { IsEmpty: false } stored && stored.SequenceEqual(HashAt(canonical, position));

    /// <summary>The tree's hash of a position; empty where it has none.</summary>
    private ReadOnlySpan<byte> Stored(long position)
    {
        var at = (position - windowFirst) * Hash;
        if (at < 0 || at >= window.Length)
        {
            return [];
        }

        var stored = window.AsSpan((int)at, Hash);
        return stored.IndexOfAnyExcept((byte)0) < 0 ? [] : stored;
    }

    /// <summary>The leaf hash that an event would have at another position.</summary>
    private static byte[] HashAt(ReadOnlySpan<byte> canonical, long position)
    {
        // Only strings and the version come after it, and no string holds a quotation mark that is not escaped.
        var mark = ",\"position\":"u8;
        var at = canonical.LastIndexOf(mark) + mark.Length;
        if (at < mark.Length || !Utf8Parser.TryParse(canonical[at..], out long _, out var digits))
        {
            return MerkleTree.LeafHash(canonical);
        }

        var number = Encoding.ASCII.GetBytes(position.ToString(CultureInfo.InvariantCulture));
        return MerkleTree.LeafHash([.. canonical[..at], .. number, .. canonical[(at + digits)..]]);
    }

    private static string Positions(long from, long to) => from == to
        ? string.Create(CultureInfo.InvariantCulture, $"Position {from} is")
        : string.Create(CultureInfo.InvariantCulture, $"Positions {from} to {to} are");
}
