using System.Buffers;

namespace Crm.EventStore.Audit;

/// <summary>Bytes of JSON that grow: what <see cref="CanonicalJson"/> writes to, used again for each document.</summary>
internal sealed class CanonicalText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(static each => (byte)each), (byte)'"', (byte)'\\']);

    private byte[] buffer = new byte[4 * 1024];

    /// <summary>How many bytes there are.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, Length);

    /// <summary>What has been written from a place on, to be put in order.</summary>
    public Span<byte> From(int place) => buffer.AsSpan(place, Length - place);

    /// <summary>Takes back what was written from a place on.</summary>
    public void CutTo(int length) => Length = length;

    /// <summary>Writes one byte.</summary>
    public void Add(byte each)
    {
        Room(1)[0] = each;
        Length++;
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Room for so many bytes; <see cref="Took"/> says how many were used.</summary>
    public Span<byte> Room(int bytes)
    {
        if (buffer.Length - Length < bytes)
        {
            Array.Resize(ref buffer, Math.Max(2 * buffer.Length, Length + bytes));
        }

        return buffer.AsSpan(Length, bytes);
    }

    /// <summary>Says how many bytes of the room were used.</summary>
    public void Took(int bytes) => Length += bytes;

    /// <summary>
    /// Writes a JSON string: what JSON must escape as RFC 8785, section 3.2.2.2, has it, everything else as it is.
    /// </summary>
    /// <param name="utf8">Its text, not escaped.</param>
    public void AddString(ReadOnlySpan<byte> utf8)
    {
        Add((byte)'"');
        int plain;
        while ((plain = utf8.IndexOfAny(Escaped)) >= 0)
        {
            Add(utf8[..plain]);
            AddEscape(utf8[plain]);
            utf8 = utf8[(plain + 1)..];
        }

        Add(utf8);
        Add((byte)'"');
    }

    private void AddEscape(byte each)
    {
        Add((byte)'\\');
        var letter = each switch
        {
            (byte)'"' or (byte)'\\' => each,
            (byte)'\b' => (byte)'b',
            (byte)'\t' => (byte)'t',
            (byte)'\n' => (byte)'n',
            (byte)'\f' => (byte)'f',
            (byte)'\r' => (byte)'r',
            _ => (byte)'u',
        };
        Add(letter);
        if (letter == 'u')
        {
            Add("00"u8);
            Add("0123456789abcdef"u8[each >> 4]);
            Add("0123456789abcdef"u8[each & 0xF]);
        }
    }
}
