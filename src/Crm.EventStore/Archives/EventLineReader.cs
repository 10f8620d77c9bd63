using System.Text.Json;
using Crm.EventStore.Projections;

namespace Crm.EventStore.Archives;

/// <summary>Reads the lines that <see cref="EventLineWriter"/> wrote, and turns them into rows for <c>COPY … FROM STDIN</c>.</summary>
internal static class EventLineReader
{
    /// <summary>Takes the rows in.</summary>
    public const string Copy = $"copy crm.mt_events ({EventLineWriter.Columns}) from stdin (format binary)";

    private const int ColumnCount = 14;

    // The database takes JSON that is nested as deeply as its stack allows.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 10_000 };

    /// <summary>What a line says of its event, as far as it is checked and counted.</summary>
    /// <param name="Position">Its position.</param>
    /// <param name="Version">Its version in its stream.</param>
    /// <param name="Stream">Its stream.</param>
    /// <param name="Type">Its stored name.</param>
    public readonly ref struct Facts(long Position, long Version, Guid Stream, ReadOnlySpan<byte> Type)
    {
        public long Position { get; } = Position;

        public long Version { get; } = Version;

        public Guid Stream { get; } = Stream;

        public ReadOnlySpan<byte> Type { get; } = Type;
    }

    /// <summary>Reads the head of a line.</summary>
    /// <exception cref="JsonException">It is no event.</exception>
    public static Facts FactsOf(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line, Options);
        var (position, version, stream) = (0L, 0L, Guid.Empty);
        ReadOnlySpan<byte> type = default;
        Must(reader.Read() && reader.TokenType is JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName && type.IsEmpty)
        {
            var name = reader.ValueSpan;
            Must(reader.Read());
            if (name.SequenceEqual("seq_id"u8))
            {
                position = reader.GetInt64();
            }
            else if (name.SequenceEqual("version"u8))
            {
                version = reader.GetInt64();
            }
            else if (name.SequenceEqual("stream_id"u8))
            {
                stream = reader.GetGuid();
            }
            else if (name.SequenceEqual("type"u8))
            {
                type = reader.ValueSpan;
            }
            else
            {
                reader.Skip();
            }
        }

        Must(position > 0 && version > 0 && !type.IsEmpty);
        return new Facts(position, version, stream, type);
    }

    /// <summary>
    /// Writes a line's event as a row, and answers its position. The members come in the writer's order; what may be null may be left out.
    /// </summary>
    /// <exception cref="JsonException">The line is no event, or a member is unknown.</exception>
    public static long Write(ReadOnlySpan<byte> line, BinaryRows rows)
    {
        var reader = new Utf8JsonReader(line, Options);
        Must(reader.Read() && reader.TokenType is JsonTokenType.StartObject);
        rows.StartRow(ColumnCount);
        Must(reader.Read());
        var position = Take(ref reader, "seq_id"u8) ? reader.GetInt64() : throw NotAnEvent();
        rows.Write(position);
        Next(ref reader);
        Uuid(ref reader, "id"u8, rows);
        Uuid(ref reader, "stream_id"u8, rows);
        rows.Write(Take(ref reader, "version"u8) ? reader.GetInt64() : throw NotAnEvent());
        Next(ref reader);
        Text(ref reader, "type"u8, rows);
        Time(ref reader, "timestamp"u8, rows);
        Json(ref reader, "data"u8, line, rows);
        Json(ref reader, "headers"u8, line, rows);
        Text(ref reader, "tenant_id"u8, rows);
        Text(ref reader, "mt_dotnet_type"u8, rows);
        Text(ref reader, "correlation_id"u8, rows);
        Text(ref reader, "causation_id"u8, rows);
        Truth(ref reader, "is_archived"u8, rows);
        Bytes(ref reader, "bdata"u8, rows);
        Must(reader.TokenType is JsonTokenType.EndObject && !reader.Read());
        return position;
    }

    private static void Uuid(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, BinaryRows rows)
    {
        if (!Take(ref reader, member))
        {
            rows.Null();
            return;
        }

        rows.Write(reader.GetGuid());
        Next(ref reader);
    }

    private static void Text(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, BinaryRows rows)
    {
        if (!Take(ref reader, member))
        {
            rows.Null();
            return;
        }

        Must(reader.TokenType is JsonTokenType.String);
        if (reader.ValueIsEscaped)
        {
            rows.Write(reader.GetString() ?? throw NotAnEvent());
        }
        else
        {
            rows.WriteUtf8(reader.ValueSpan);
        }

        Next(ref reader);
    }

    private static void Time(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, BinaryRows rows)
    {
        Must(Take(ref reader, member));
        rows.Write(reader.TokenType is JsonTokenType.Number ? reader.GetInt64() : StoredTime.Of(reader.GetDateTime()));
        Next(ref reader);
    }

    private static void Json(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, ReadOnlySpan<byte> line, BinaryRows rows)
    {
        if (!Take(ref reader, member))
        {
            rows.Null();
            return;
        }

        var from = (int)reader.TokenStartIndex;
        reader.Skip();
        rows.WriteJson(line[from..(int)reader.BytesConsumed]);
        Next(ref reader);
    }

    private static void Truth(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, BinaryRows rows)
    {
        if (!Take(ref reader, member))
        {
            rows.Null();
            return;
        }

        rows.Write(reader.GetBoolean());
        Next(ref reader);
    }

    private static void Bytes(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, BinaryRows rows)
    {
        if (!Take(ref reader, member))
        {
            rows.Null();
            return;
        }

        rows.WriteUtf8(reader.GetBytesFromBase64());
        Next(ref reader);
    }

    /// <summary>Goes to the value of the member that the reader stands at, if it is this one.</summary>
    private static bool Take(ref Utf8JsonReader reader, ReadOnlySpan<byte> member) =>
        reader.TokenType is JsonTokenType.PropertyName && reader.ValueSpan.SequenceEqual(member) && reader.Read();

    private static void Next(ref Utf8JsonReader reader) => Must(reader.Read());

    private static void Must(bool holds)
    {
        if (!holds)
        {
            throw NotAnEvent();
        }
    }

    private static JsonException NotAnEvent() => new("the line is not an event as an archive holds it");
}

/// <summary>The lines of a file, one after the other in one buffer.</summary>
internal sealed class Lines(ArchiveFileReader file)
{
    private byte[] buffer = new byte[256 * 1024];
    private int from;
    private int end;
    private int line;

    /// <summary>The line, with its end. It holds until the next.</summary>
    public ReadOnlySpan<byte> Line => buffer.AsSpan(line, from - line);

    /// <summary>Goes to the next line; false after the last.</summary>
    /// <exception cref="ArchiveDamagedException">The file cannot be read.</exception>
    public bool Next()
    {
        var searched = 0;
        while (true)
        {
            var at = buffer.AsSpan(from + searched, end - from - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                line = from;
                from += searched + at + 1;
                return true;
            }

            searched = end - from;
            buffer.AsSpan(from, searched).CopyTo(buffer);
            (from, end) = (0, searched);
            if (end == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * buffer.Length);
            }

            var read = file.Read(buffer.AsSpan(end));
            if (read == 0)
            {
                return searched > 0 ? throw new InvalidDataException("The last line has no end.") : false;
            }

            end += read;
        }
    }
}
