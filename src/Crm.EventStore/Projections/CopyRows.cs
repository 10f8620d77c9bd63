using System.Buffers.Binary;
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
