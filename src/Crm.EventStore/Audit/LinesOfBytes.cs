namespace Crm.EventStore.Audit;

/// <summary>The lines of a stream as bytes, one after the other in one buffer.</summary>
internal sealed class LinesOfBytes(Stream stream)
{
    private const int MostBytes = 64 * 1024 * 1024;

    private byte[] buffer = new byte[256 * 1024];
    private int at;
    private int end;
    private bool isOver;

    /// <summary>The number of the line that was read last, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The next line without its end, which holds until the one after; null behind the last.</summary>
    /// <exception cref="InvalidDataException">A line is longer than any event.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> Next(CancellationToken ct)
    {
        var looked = at;
        while (true)
        {
            var found = buffer.AsSpan(looked, end - looked).IndexOf((byte)'\n');
            if (found >= 0)
            {
                return Take(looked + found, looked + found + 1);
            }

            if (isOver)
            {
                // The type is said: null alone would become an empty line, and there would be no end of them.
                return at == end ? default(ReadOnlyMemory<byte>?) : Take(end, end);
            }

            looked = end - at;
            await Read(ct);
        }
    }

    private ReadOnlyMemory<byte> Take(int to, int next)
    {
        var line = buffer.AsMemory(at, to - at);
        at = next;
        Number++;
        return line;
    }

    private async ValueTask Read(CancellationToken ct)
    {
        buffer.AsSpan(at, end - at).CopyTo(buffer);
        (at, end) = (0, end - at);
        if (end == buffer.Length)
        {
            if (end >= MostBytes)
            {
                throw new InvalidDataException($"Line {Number + 1} is longer than {MostBytes} bytes.");
            }

            Array.Resize(ref buffer, 2 * buffer.Length);
        }

        var read = await stream.ReadAsync(buffer.AsMemory(end), ct);
        end += read;
        isOver = read == 0;
    }
}
