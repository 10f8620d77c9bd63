using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>The rows of a <c>COPY … TO STDOUT</c> in the binary format, one after the other in one buffer.</summary>
internal sealed class CopyRows(NpgsqlRawCopyStream copy)
{
    private const int HeaderLength = 19;

    private readonly List<(int From, int Length)> fields = [];
    private byte[] buffer = new byte[64 * 1024];
    private int at;
    private int end;
    private int row;
    private bool begun;

    /// <summary>Goes to the next row; false after the last.</summary>
    public async ValueTask<bool> Next(CancellationToken ct)
    {
        if (!begun)
        {
            await Have(HeaderLength, ct);
            at = HeaderLength;
            begun = true;
        }

        await Have(2, ct);
        var columns = BinaryPrimitives.ReadInt16BigEndian(buffer.AsSpan(at));
        if (columns < 0)
        {
            // Reads on to the end of the message, so that the connection is free again.
            return await copy.ReadAsync(buffer, ct) == 0
                ? false
                : throw new LogCorruptException("There is something after the last row of a COPY.");
        }

        var length = 2;
        fields.Clear();
        for (var column = 0; column < columns; column++)
        {
            await Have(length + 4, ct);
            var size = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at + length));
            length += 4;
            await Have(length + Math.Max(size, 0), ct);
            fields.Add((length, size));
            length += Math.Max(size, 0);
        }

        row = at;
        at += length;
        return true;
    }

    /// <summary>The row; it holds until the next one.</summary>
    public CopyRow Current => new(buffer.AsSpan(row, at - row), CollectionsMarshal.AsSpan(fields));

    /// <summary>Whether a column of the row is null.</summary>
    public bool IsNull(int column) => fields[column].Length < 0;

    /// <summary>A column's bytes; none where it is null. They hold until the next row.</summary>
    public ReadOnlySpan<byte> this[int column] => IsNull(column) ? [] : buffer.AsSpan(row + fields[column].From, fields[column].Length);

    /// <summary>Reads until so many bytes of the row are there.</summary>
    private ValueTask Have(int bytes, CancellationToken ct) => end - at >= bytes ? ValueTask.CompletedTask : Read(bytes, ct);

    private async ValueTask Read(int bytes, CancellationToken ct)
    {
        if (at > 0)
        {
            buffer.AsSpan(at, end - at).CopyTo(buffer);
            (at, end) = (0, end - at);
        }

        if (buffer.Length < bytes)
        {
            Array.Resize(ref buffer, Math.Max(bytes, 2 * buffer.Length));
        }

        while (end < bytes)
        {
            var read = await copy.ReadAsync(buffer.AsMemory(end), ct);
            end += read > 0 ? read : throw new LogCorruptException("A COPY ended in the middle of a row.");
        }
    }
}

/// <summary>One row: its bytes, and where in them each column stands (a length below 0 for a null).</summary>
internal readonly ref struct CopyRow(ReadOnlySpan<byte> bytes, ReadOnlySpan<(int From, int Length)> fields)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private readonly ReadOnlySpan<(int From, int Length)> fields = fields;

    /// <summary>All bytes of the row.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Where in them each column stands.</summary>
    public ReadOnlySpan<(int From, int Length)> Fields => fields;

    /// <summary>A column's bytes; none where it is null.</summary>
    public ReadOnlySpan<byte> this[int column] => IsNull(column) ? [] : bytes.Slice(fields[column].From, fields[column].Length);

    /// <summary>Whether a column is null.</summary>
    public bool IsNull(int column) => fields[column].Length < 0;
}

/// <summary>Rows that are kept, all of one number of columns, until what they need has been read. Their room is lent.</summary>
internal sealed class HeldRows(int columns) : IDisposable
{
    private readonly List<int> starts = [];
    private readonly List<(int From, int Length)> fields = [];
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private int length;

    /// <summary>How many.</summary>
    public int Count => starts.Count;

    /// <summary>A row.</summary>
    public CopyRow this[int index] => new(
        buffer.AsSpan(starts[index], (index + 1 < starts.Count ? starts[index + 1] : length) - starts[index]),
        CollectionsMarshal.AsSpan(fields).Slice(index * columns, columns));

    /// <summary>Keeps a row.</summary>
    public void Add(CopyRow row)
    {
        if (buffer.Length - length < row.Bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(2 * buffer.Length, length + row.Bytes.Length));
            buffer.AsSpan(0, length).CopyTo(larger);
            Return();
            buffer = larger;
        }

        starts.Add(length);
        fields.AddRange(row.Fields);
        row.Bytes.CopyTo(buffer.AsSpan(length));
        length += row.Bytes.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Return();
        buffer = [];
    }

    // Cleared: personal data, sealed or not, have no business in what others rent.
    private void Return() => ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
}
