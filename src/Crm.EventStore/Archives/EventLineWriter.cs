using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;

namespace Crm.EventStore.Archives;

/// <summary>
/// Writes stored events as lines of JSON: every column under its own name, JSON columns as the database writes them, a column that is
/// null left out. By hand, from the bytes of a <c>COPY</c>: an archive is written, and a restored log verified, at this speed.
/// </summary>
internal sealed class EventLineWriter
{
    /// <summary>The columns in the order in which the writer takes them.</summary>
    public const string Columns =
        "seq_id, id, stream_id, version, type, timestamp, data, headers, tenant_id, mt_dotnet_type, correlation_id, causation_id, "
        + "is_archived, bdata";

    /// <summary>Reads the events after one position and up to another, in order.</summary>
    public const string Copy =
        $"""
        copy (select {Columns} from crm.mt_events
              where seq_id > current_setting('crm.after')::bigint and seq_id <= current_setting('crm.upto')::bigint order by seq_id)
        to stdout (format binary)
        """;

    private const int Position = 0, Id = 1, Stream = 2, Version = 3, Type = 4, Time = 5, Data = 6, Headers = 7, FirstText = 8, Archived = 12,
        Binary = 13;

    private static readonly byte[][] TextMembers =
        [[.. ",\"tenant_id\":"u8], [.. ",\"mt_dotnet_type\":"u8], [.. ",\"correlation_id\":"u8], [.. ",\"causation_id\":"u8]];

    private byte[] buffer = new byte[96 * 1024];
    private int length;

    /// <summary>What was written and not taken yet.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>Forgets what was written: it has been taken.</summary>
    public void Clear() => length = 0;

    /// <summary>The position of an event.</summary>
    public static long PositionOf(CopyRows row) => BinaryPrimitives.ReadInt64BigEndian(row[Position]);

    /// <summary>The version of an event in its stream.</summary>
    public static long VersionOf(CopyRows row) => BinaryPrimitives.ReadInt64BigEndian(row[Version]);

    /// <summary>The stored name of an event.</summary>
    public static ReadOnlySpan<byte> TypeOf(CopyRows row) => row[Type];

    /// <summary>Writes one event.</summary>
    public void Write(CopyRows row)
    {
        Literal("{\"seq_id\":"u8);
        Number(PositionOf(row));
        Uuid(",\"id\":\""u8, row[Id]);
        if (!row.IsNull(Stream))
        {
            Uuid(",\"stream_id\":\""u8, row[Stream]);
        }

        Literal(",\"version\":"u8);
        Number(VersionOf(row));
        Literal(",\"type\":"u8);
        Text(row[Type]);
        Literal(",\"timestamp\":"u8);
        Timestamp(BinaryPrimitives.ReadInt64BigEndian(row[Time]));
        Json(",\"data\":"u8, row[Data]);
        if (!row.IsNull(Headers))
        {
            Json(",\"headers\":"u8, row[Headers]);
        }

        for (var text = 0; text < TextMembers.Length; text++)
        {
            if (!row.IsNull(FirstText + text))
            {
                Literal(TextMembers[text]);
                Text(row[FirstText + text]);
            }
        }

        if (!row.IsNull(Archived))
        {
            Literal(row[Archived][0] == 0 ? ",\"is_archived\":false"u8 : ",\"is_archived\":true"u8);
        }

        if (!row.IsNull(Binary))
        {
            Literal(",\"bdata\":\""u8);
            var bytes = row[Binary];
            Base64.EncodeToUtf8(bytes, Room(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out _);
            Literal("\""u8);
        }

        Literal("}\n"u8);
    }

    private void Literal(ReadOnlySpan<byte> text) => text.CopyTo(Room(text.Length));

    private void Number(long value)
    {
        var room = Room(20);
        Utf8Formatter.TryFormat(value, room, out var written);
        length -= room.Length - written;
    }

    private void Uuid(ReadOnlySpan<byte> member, ReadOnlySpan<byte> bytes)
    {
        Literal(member);
        new Guid(bytes, bigEndian: true).TryFormat(Room(36), out _);
        Literal("\""u8);
    }

    // After its version the binary form of a jsonb is its text, in one line.
    private void Json(ReadOnlySpan<byte> member, ReadOnlySpan<byte> jsonb)
    {
        const byte version = 1;
        if (jsonb[0] != version)
        {
            throw new LogCorruptException("The database sends jsonb in a form that this program does not know.");
        }

        Literal(member);
        Literal(jsonb[1..]);
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        Literal("\""u8);
        if (text.IndexOfAnyInRange((byte)0, (byte)0x1F) < 0 && text.IndexOfAny((byte)'"', (byte)'\\') < 0)
        {
            Literal(text);
        }
        else
        {
            Literal(JsonEncodedText.Encode(text).EncodedUtf8Bytes);
        }

        Literal("\""u8);
    }

    private void Timestamp(long microseconds)
    {
        if (StoredTime.Of(microseconds) is { } time)
        {
            Literal("\""u8);
            Utf8Time(time);
            Literal("\""u8);
        }
        else
        {
            // Infinity, or a year that RFC 3339 has not: the number as it is stored, microseconds from 2000 on.
            Number(microseconds);
        }
    }

    private void Utf8Time(DateTime time) =>
        time.TryFormat(Room(StoredTime.Format.Length), out _, StoredTime.Format, CultureInfo.InvariantCulture);

    private Span<byte> Room(int bytes)
    {
        if (buffer.Length - length < bytes)
        {
            Array.Resize(ref buffer, Math.Max(2 * buffer.Length, length + bytes));
        }

        length += bytes;
        return buffer.AsSpan(length - bytes, bytes);
    }
}

/// <summary>A timestamptz as the database stores it: microseconds from 2000 on.</summary>
internal static class StoredTime
{
    /// <summary>How it is written: RFC 3339 in UTC, to the microsecond.</summary>
    public const string Format = "yyyy-MM-ddTHH:mm:ss.ffffffZ";

    private static readonly DateTime epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly long first = (DateTime.MinValue.Ticks - epoch.Ticks) / TimeSpan.TicksPerMicrosecond;
    private static readonly long last = (DateTime.MaxValue.Ticks - epoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The time; null for one that is no date of four digits.</summary>
    public static DateTime? Of(long microseconds) =>
        microseconds < first || microseconds > last ? null : epoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>The microseconds of a time.</summary>
    public static long Of(DateTime time) => (time.Ticks - epoch.Ticks) / TimeSpan.TicksPerMicrosecond;
}
