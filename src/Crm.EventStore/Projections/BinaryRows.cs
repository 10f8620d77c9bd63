using System.Buffers.Binary;
using System.Text;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Rows in the binary format of <c>COPY … FROM STDIN</c>, gathered in a buffer: several times cheaper than one asynchronous call for each
/// column of each row, and a rebuild writes millions of them.
/// </summary>
public sealed class BinaryRows
{
    private const int SendFrom = 64 * 1024;
    private const int TextOid = 25;

    private static readonly byte[] Begin = [.. "PGCOPY\n"u8, 0xFF, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;
    private static readonly int EpochDay = new DateOnly(2000, 1, 1).DayNumber;

    private byte[] buffer = new byte[SendFrom + (16 * 1024)];
    private int length;

    /// <summary>Begins a <c>COPY</c>.</summary>
    public BinaryRows()
    {
        Begin.CopyTo(buffer, 0);
        length = Begin.Length;
    }

    /// <summary>Whether so much has gathered that it should be sent.</summary>
    internal bool IsFull => length >= SendFrom;

    /// <summary>Sends what has gathered.</summary>
    internal async Task Send(NpgsqlRawCopyStream copy, CancellationToken ct)
    {
        await copy.WriteAsync(buffer.AsMemory(0, length), ct);
        length = 0;
    }

    /// <summary>Ends the rows: nothing comes after.</summary>
    internal void End() => BinaryPrimitives.WriteInt16BigEndian(Room(2), -1);

    /// <summary>Begins a row.</summary>
    internal void StartRow(int columns) => BinaryPrimitives.WriteInt16BigEndian(Room(2), (short)columns);

    /// <summary>A null.</summary>
    public void Null() => Length(-1);

    /// <summary>A uuid.</summary>
    public void Write(Guid value)
    {
        Length(16);
        value.TryWriteBytes(Room(16), bigEndian: true, out _);
    }

    /// <summary>A bigint.</summary>
    public void Write(long value)
    {
        Length(8);
        BinaryPrimitives.WriteInt64BigEndian(Room(8), value);
    }

    /// <summary>An integer.</summary>
    public void Write(int value)
    {
        Length(4);
        BinaryPrimitives.WriteInt32BigEndian(Room(4), value);
    }

    /// <summary>A smallint.</summary>
    public void Write(short value)
    {
        Length(2);
        BinaryPrimitives.WriteInt16BigEndian(Room(2), value);
    }

    /// <summary>A boolean.</summary>
    public void Write(bool value)
    {
        Length(1);
        Room(1)[0] = value ? (byte)1 : (byte)0;
    }

    /// <summary>A timestamptz, to the microsecond.</summary>
    public void Write(DateTimeOffset value) => Write((value.UtcTicks - Epoch) / TimeSpan.TicksPerMicrosecond);

    /// <summary>A date; the first that .NET knows is minus infinity, as Npgsql has it too.</summary>
    public void Write(DateOnly value) => Write(value == DateOnly.MinValue ? int.MinValue : value.DayNumber - EpochDay);

    /// <summary>A text.</summary>
    /// <exception cref="EncoderFallbackException">It holds half of a surrogate pair.</exception>
    public void Write(string value)
    {
        var most = Utf8.GetMaxByteCount(value.Length);
        Reserve(4 + most);
        var bytes = Utf8.GetBytes(value, buffer.AsSpan(length + 4, most));
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(length), bytes);
        length += 4 + bytes;
    }

    /// <summary>A bytea.</summary>
    public void Write(ReadOnlySpan<byte> value)
    {
        Length(value.Length);
        value.CopyTo(Room(value.Length));
    }

    /// <summary>A jsonb, given as text.</summary>
    /// <exception cref="EncoderFallbackException">It holds half of a surrogate pair.</exception>
    public void WriteJson(string value)
    {
        const byte version = 1;
        var most = Utf8.GetMaxByteCount(value.Length);
        Reserve(5 + most);
        var bytes = Utf8.GetBytes(value, buffer.AsSpan(length + 5, most));
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(length), bytes + 1);
        buffer[length + 4] = version;
        length += 5 + bytes;
    }

    /// <summary>A text given in UTF-8, or a bytea.</summary>
    internal void WriteUtf8(ReadOnlySpan<byte> value)
    {
        Length(value.Length);
        value.CopyTo(Room(value.Length));
    }

    /// <summary>A jsonb, given as text in UTF-8.</summary>
    internal void WriteJson(ReadOnlySpan<byte> value)
    {
        const byte version = 1;
        Length(value.Length + 1);
        var room = Room(value.Length + 1);
        room[0] = version;
        value.CopyTo(room[1..]);
    }

    /// <summary>An array of texts.</summary>
    /// <exception cref="EncoderFallbackException">One holds half of a surrogate pair.</exception>
    public void Write(string[] values)
    {
        var at = length;
        Length(0);
        var head = Room(values.Length == 0 ? 12 : 20);
        BinaryPrimitives.WriteInt32BigEndian(head, values.Length == 0 ? 0 : 1);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], 0);
        BinaryPrimitives.WriteInt32BigEndian(head[8..], TextOid);
        if (values.Length > 0)
        {
            BinaryPrimitives.WriteInt32BigEndian(head[12..], values.Length);
            BinaryPrimitives.WriteInt32BigEndian(head[16..], 1);
        }

        foreach (var value in values)
        {
            Write(value);
        }

        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(at), length - at - 4);
    }

    /// <summary>A numeric with the scale that the number has.</summary>
    public void Write(decimal value)
    {
        const int negative = 0x4000;
        var scale = value.Scale;
        Span<short> groups = stackalloc short[16];
        var (count, exponent) = NumericGroups.Of(value, groups);
        Length(8 + (2 * count));
        var to = Room(8 + (2 * count));
        BinaryPrimitives.WriteInt16BigEndian(to, (short)count);
        BinaryPrimitives.WriteInt16BigEndian(to[2..], (short)(count == 0 ? 0 : count + exponent - 1));
        BinaryPrimitives.WriteInt16BigEndian(to[4..], value < 0 ? (short)negative : (short)0);
        BinaryPrimitives.WriteInt16BigEndian(to[6..], scale);
        for (var place = 0; place < count; place++)
        {
            BinaryPrimitives.WriteInt16BigEndian(to[(8 + (2 * place))..], groups[count - 1 - place]);
        }
    }

    private void Length(int bytes) => BinaryPrimitives.WriteInt32BigEndian(Room(4), bytes);

    private Span<byte> Room(int bytes)
    {
        Reserve(bytes);
        length += bytes;
        return buffer.AsSpan(length - bytes, bytes);
    }

    private void Reserve(int bytes)
    {
        if (buffer.Length - length < bytes)
        {
            Array.Resize(ref buffer, Math.Max(2 * buffer.Length, length + bytes));
        }
    }
}

/// <summary>A decimal as PostgreSQL's numeric holds it: in groups of four digits, counted from the decimal point.</summary>
internal static class NumericGroups
{
    private const int Base = 10_000;

    /// <summary>
    /// The groups of a number without its sign, the least first, without empty ones at either end; and how many groups the least of
    /// them stands before the decimal point (after it where it is negative).
    /// </summary>
    public static (int Count, int Exponent) Of(decimal value, Span<short> groups)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var rest = new UInt128((uint)bits[2], ((ulong)(uint)bits[1] << 32) | (uint)bits[0]);
        var fraction = value.Scale;
        for (; fraction % 4 != 0; fraction++)
        {
            rest *= 10;
        }

        var exponent = -fraction / 4;
        var count = 0;
        while (rest != 0)
        {
            short group;
            if (rest <= ulong.MaxValue)
            {
                var (quotient, remainder) = Math.DivRem((ulong)rest, Base);
                (rest, group) = (quotient, (short)remainder);
            }
            else
            {
                var (quotient, remainder) = UInt128.DivRem(rest, Base);
                (rest, group) = (quotient, (short)(int)remainder);
            }

            if (count == 0 && group == 0)
            {
                exponent++;
            }
            else
            {
                groups[count++] = group;
            }
        }

        return (count, exponent);
    }
}
