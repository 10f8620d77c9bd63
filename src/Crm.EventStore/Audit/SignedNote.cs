using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Crm.EventStore.Audit;

/// <summary>One signature under a note.</summary>
/// <param name="Name">The name of the key that made it.</param>
/// <param name="KeyId">That key's id.</param>
/// <param name="Signature">The signature itself.</param>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Signature);

/// <summary>
/// A text with signatures under it, in the form of C2SP signed-note: the text's lines, an empty line, and for each signature a line of an
/// em dash, the key's name and base64 of key id and signature.
/// </summary>
public sealed class SignedNote
{
    private const string Dash = "\u2014 ";
    private const int MostCharacters = 1_000_000;
    private const int MostSignatures = 100;
    private const int KeyIdBytes = 4;

    private SignedNote(string text, IReadOnlyList<NoteSignature> signatures) => (Text, Signatures) = (text, signatures);

    /// <summary>What is signed: lines, each with its end.</summary>
    public string Text { get; }

    /// <summary>The signatures, in their order; whose they are has still to be looked at.</summary>
    public IReadOnlyList<NoteSignature> Signatures { get; }

    /// <summary>Signs a text.</summary>
    /// <exception cref="FormatException">A note cannot have this text.</exception>
    public static SignedNote Sign(string text, params IEnumerable<NoteSigner> signers)
    {
        if (FaultOf(text) is { } fault)
        {
            throw new FormatException(fault);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        return new SignedNote(
            text, [.. signers.Select(signer => new NoteSignature(signer.PublicKey.Name, signer.PublicKey.Id, signer.Sign(bytes)))]);
    }

    /// <summary>Reads a note; says nothing of its signatures.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static SignedNote Parse(ReadOnlySpan<byte> utf8) => Utf8.IsValid(utf8)
        ? Parse(Encoding.UTF8.GetString(utf8))
        : throw new FormatException("The note is not UTF-8.");

    /// <summary>Reads a note; says nothing of its signatures.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static SignedNote Parse(string note)
    {
        // The last empty line divides: the text may hold others.
        var split = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (note.Length > MostCharacters || split < 0 || !note.EndsWith('\n'))
        {
            throw new FormatException("A note is a text, an empty line and signatures, each with a line's end.");
        }

        var text = note[..(split + 1)];
        var lines = note[(split + 2)..].Split('\n')[..^1];
        if (FaultOf(text) is { } fault)
        {
            throw new FormatException(fault);
        }

        return lines.Length is > 0 and <= MostSignatures
            ? new SignedNote(text, [.. lines.Select(SignatureOf)])
            : throw new FormatException($"A note has 1 to {MostSignatures} signatures.");
    }

    /// <summary>
    /// Whether it is signed by one of these keys. Signatures of other keys are passed over; but one that names a key of these and is not
    /// its own spoils the note, whoever else signed it.
    /// </summary>
    public bool IsSignedBy(params IEnumerable<NoteKey> keys)
    {
        var known = keys.ToDictionary(static key => (key.Name, key.Id));
        var bytes = Encoding.UTF8.GetBytes(Text);
        var isSigned = false;
        foreach (var each in Signatures)
        {
            if (known.TryGetValue((each.Name, each.KeyId), out var key))
            {
                if (!key.Verifies(bytes, each.Signature))
                {
                    return false;
                }

                isSigned = true;
            }
        }

        return isSigned;
    }

    /// <summary>The note.</summary>
    public override string ToString()
    {
        var note = new StringBuilder(Text).Append('\n');
        foreach (var each in Signatures)
        {
            var bytes = new byte[KeyIdBytes + each.Signature.Length];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, each.KeyId);
            each.Signature.CopyTo(bytes, KeyIdBytes);
            note.Append(Dash).Append(each.Name).Append(' ').Append(Convert.ToBase64String(bytes)).Append('\n');
        }

        return note.ToString();
    }

    private static string? FaultOf(string text) =>
        !text.EndsWith('\n') ? "A note's text ends with a line's end."
        : text.Any(static each => each < ' ' && each != '\n') ? "A note holds no control characters but line ends."
        : null;

    private static NoteSignature SignatureOf(string line)
    {
        var words = line.StartsWith(Dash, StringComparison.Ordinal) ? line[Dash.Length..].Split(' ') : [];
        var bytes = new byte[line.Length];
        return words is [var name, var base64] && NoteKey.IsName(name)
            && Convert.TryFromBase64String(base64, bytes, out var length) && length > KeyIdBytes
            ? new NoteSignature(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[KeyIdBytes..length])
            : throw new FormatException("A signature's line reads: em dash, name, base64 of key id and signature.");
    }
}
