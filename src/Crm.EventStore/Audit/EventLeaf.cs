using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Projections;

namespace Crm.EventStore.Audit;

/// <summary>
/// The leaf of an event in the audit tree: the row of the log as it is stored, envelope and all, as one canonical JSON object, and its
/// RFC 6962 hash. <c>docs/audit.md</c> says the same in words, for whoever computes it with another program. One object of this class
/// writes one leaf after the other.
/// </summary>
public sealed class EventLeaf
{
    /// <summary>The columns that <see cref="Read"/> expects of a row, in its order.</summary>
    internal const string Columns =
        "seq_id, id, stream_id, version, type, mt_dotnet_type, timestamp, data, bdata, headers, correlation_id, causation_id, tenant_id, "
        + "is_archived";

    private static readonly DateTime epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly long first = (DateTime.MinValue.Ticks - epoch.Ticks) / TimeSpan.TicksPerMicrosecond;
    private static readonly long last = (DateTime.MaxValue.Ticks - epoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    private readonly CanonicalText text = new();
    private readonly CanonicalJson json;
    private readonly List<InexactNumber> inexact = [];

    /// <summary>Begins with nothing.</summary>
    public EventLeaf() => json = new CanonicalJson(text);

    /// <summary>The canonical object of a row, without a line's end. It holds until the next.</summary>
    /// <exception cref="System.Text.Json.JsonException">Its data or headers have no canonical form; all of PostgreSQL's have.</exception>
    public ReadOnlySpan<byte> Canonical(in StoredRow row)
    {
        Write(row);
        return text.Written[1..];
    }

    /// <summary>The leaf hash of a row.</summary>
    /// <exception cref="System.Text.Json.JsonException">Its data or headers have no canonical form; all of PostgreSQL's have.</exception>
    public void Hash(in StoredRow row, Span<byte> to)
    {
        Write(row);
        LastHash(to);
    }

    /// <summary>The leaf hash of the row that was written last.</summary>
    internal void LastHash(Span<byte> to) => SHA256.HashData(text.Written, to);

    /// <summary>Takes over a row of a <c>COPY … (format binary)</c>.</summary>
    internal static StoredRow Read(CopyRows row) => new()
    {
        Position = BinaryPrimitives.ReadInt64BigEndian(row[0]),
        Id = new Guid(row[1], bigEndian: true),
        Stream = row.IsNull(2) ? null : new Guid(row[2], bigEndian: true),
        Version = BinaryPrimitives.ReadInt64BigEndian(row[3]),
        Type = Value(row, 4),
        DotNetType = Value(row, 5),
        At = BinaryPrimitives.ReadInt64BigEndian(row[6]),
        Data = Json(row, 7),
        Binary = Value(row, 8),
        Headers = Json(row, 9),
        Correlation = Value(row, 10),
        Causation = Value(row, 11),
        Tenant = Value(row, 12),
        IsArchived = row.IsNull(13) ? null : row[13][0] != 0,
    };

    private static StoredValue Value(CopyRows row, int column) => row.IsNull(column) ? default : new StoredValue(row[column]);

    // A jsonb comes with its version before the text.
    private static StoredValue Json(CopyRows row, int column) => row.IsNull(column) ? default : new StoredValue(row[column][1..]);

    // The members stand in the order of their names. One whose column is NULL is left out.
    private void Write(in StoredRow row)
    {
        inexact.Clear();
        text.CutTo(0);
        text.Add(MerkleTree.LeafPrefix);
        text.Add((byte)'{');
        if (row.IsArchived is { } isArchived)
        {
            text.Add(isArchived ? "\"archived\":true,"u8 : "\"archived\":false,"u8);
        }

        text.Add("\"at\":"u8);
        Time(row.At);
        if (!row.Binary.IsNull)
        {
            text.Add(",\"binary\":\""u8);
            Base64.EncodeToUtf8(
                row.Binary.Bytes, text.Room(Base64.GetMaxEncodedToUtf8Length(row.Binary.Bytes.Length)), out _, out var length);
            text.Took(length);
            text.Add((byte)'"');
        }

        Text(",\"causation\":"u8, row.Causation);
        Text(",\"correlation\":"u8, row.Correlation);
        Json(",\"data\":"u8, "/data", row.Data);
        Text(",\"dotNetType\":"u8, row.DotNetType);
        Json(",\"headers\":"u8, "/headers", row.Headers);
        text.Add(",\"id\":"u8);
        Uuid(row.Id);
        Numbers();
        text.Add(",\"position\":"u8);
        Number(row.Position);
        if (row.Stream is { } stream)
        {
            text.Add(",\"stream\":"u8);
            Uuid(stream);
        }

        Text(",\"tenant\":"u8, row.Tenant);
        Text(",\"type\":"u8, row.Type);
        text.Add(",\"version\":"u8);
        Number(row.Version);
        text.Add((byte)'}');
    }

    private void Text(ReadOnlySpan<byte> name, StoredValue value)
    {
        if (!value.IsNull)
        {
            text.Add(name);
            text.AddString(value.Bytes);
        }
    }

    private void Json(ReadOnlySpan<byte> name, string pointer, StoredValue value)
    {
        if (value.IsNull)
        {
            return;
        }

        var known = inexact.Count;
        text.Add(name);
        json.Write(value.Bytes, inexact);
        for (; known < inexact.Count; known++)
        {
            inexact[known] = inexact[known] with { Pointer = pointer + inexact[known].Pointer };
        }
    }

    /// <summary>
    /// A canonical number keeps a double's worth of what is stored: 1.50 stands as 1.5. So that no digit can be changed unseen, the stored
    /// text of each such number stands beside, by where it is.
    /// </summary>
    private void Numbers()
    {
        if (inexact.Count == 0)
        {
            return;
        }

        inexact.Sort(static (a, b) => string.CompareOrdinal(a.Pointer, b.Pointer));
        var separator = (byte)'{';
        text.Add(",\"numbers\":"u8);
        foreach (var (pointer, number) in inexact)
        {
            text.Add(separator);
            text.AddString(Encoding.UTF8.GetBytes(pointer));
            text.Add((byte)':');
            text.AddString(Encoding.UTF8.GetBytes(number));
            separator = (byte)',';
        }

        text.Add((byte)'}');
    }

    private void Uuid(Guid id)
    {
        const int length = 36;
        text.Add((byte)'"');
        id.TryFormat(text.Room(length), out _);
        text.Took(length);
        text.Add((byte)'"');
    }

    private void Number(long value)
    {
        value.TryFormat(text.Room(20), out var length, default, CultureInfo.InvariantCulture);
        text.Took(length);
    }

    /// <summary>In RFC 3339 with microseconds; what lies beyond the years 1 to 9999 as the number of microseconds that is stored.</summary>
    private void Time(long microseconds)
    {
        text.Add((byte)'"');
        if (microseconds < first || microseconds > last)
        {
            Number(microseconds);
        }
        else
        {
            const int seconds = 19;
            var time = epoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
            time.TryFormat(text.Room(seconds), out _, "s", CultureInfo.InvariantCulture);
            text.Took(seconds);
            text.Add((byte)'.');
            var fraction = (int)(time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
            fraction.TryFormat(text.Room(6), out _, "D6", CultureInfo.InvariantCulture);
            text.Took(6);
            text.Add((byte)'Z');
        }

        text.Add((byte)'"');
    }
}

/// <summary>A number that its canonical form does not keep to the letter.</summary>
/// <param name="Pointer">Where it stands, as a JSON pointer (RFC 6901).</param>
/// <param name="Text">Its own text.</param>
internal readonly record struct InexactNumber(string Pointer, string Text);
