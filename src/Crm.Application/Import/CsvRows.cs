using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace Crm.Application.Import;

/// <summary>One row of a file that is imported.</summary>
/// <param name="Number">Its number: 1 is the first row after the header.</param>
/// <param name="Line">The line of the file on which it begins.</param>
/// <param name="Fields">Its fields; as many as the header has, unless there is a fault.</param>
/// <param name="Fault">Why it cannot be used, in words; null when it can.</param>
public sealed record ImportRow(long Number, long Line, string[] Fields, string? Fault);

/// <summary>The file cannot be read as CSV at all, or not beyond a line.</summary>
public sealed class UnreadableFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Reads a CSV file (RFC 4180, UTF-8 with or without a byte order mark, plain or gzip) row by row in constant memory.
/// A row that is no CSV, or has more or fewer fields than the header, comes with its fault; the reader goes on behind it.
/// </summary>
public sealed class CsvRows : IDisposable
{
    private const int LongestField = 1 << 20;
    private readonly FileStream file;
    private readonly CsvParser parser;
    private string? badData;

    private CsvRows(FileStream file, TextReader text, char delimiter)
    {
        this.file = file;
        parser = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            BadDataFound = bad => badData = "a quotation mark stands where RFC 4180 has none",
            MaxFieldSize = LongestField,
            BufferSize = 64 * 1024,
            ProcessFieldBufferSize = 4 * 1024,
        });
    }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Header { get; private set; } = [];

    /// <summary>How much of the file has been read, 0–1.</summary>
    public double Progress => file.Length == 0 ? 1 : Math.Min(1, (double)file.Position / file.Length);

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="UnreadableFileException">There is no such file, or no header in it.</exception>
    public static CsvRows Open(string path, char delimiter = ',')
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024, FileOptions.SequentialScan);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableFileException(missing.Message, missing);
        }

        var rows = new CsvRows(file, new StreamReader(Decompressed(file), new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true, 64 * 1024), delimiter);
        try
        {
            rows.ReadHeader();
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <summary>The rows in order.</summary>
    /// <exception cref="UnreadableFileException">The file cannot be read on from here.</exception>
    public IEnumerable<ImportRow> Rows()
    {
        var number = 0L;
        while (true)
        {
            var line = parser.RawRow + 1L;
            if (!Next())
            {
                yield break;
            }

            number++;
            var fields = parser.Record ?? [];
            yield return new ImportRow(number, line, fields, badData ?? FaultOf(fields));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        parser.Dispose();
        file.Dispose();
    }

    private static Stream Decompressed(FileStream file)
    {
        Span<byte> magic = stackalloc byte[2];
        var read = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        file.Position = 0;
        return read == 2 && magic is [0x1f, 0x8b] ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    private void ReadHeader()
    {
        if (!Next())
        {
            throw new UnreadableFileException("The file is empty: the first row must name the columns.");
        }

        Header = parser.Record ?? [];
        if (badData is not null)
        {
            throw new UnreadableFileException($"The header cannot be read: {badData}.");
        }

        if (Header.GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static same => same.Count() > 1) is { } twice)
        {
            throw new UnreadableFileException($"The header names the column {twice.Key} twice.");
        }
    }

    private bool Next()
    {
        badData = null;
        try
        {
            return parser.Read();
        }
        catch (MaxFieldSizeException tooLong)
        {
            throw new UnreadableFileException(
                $"A field that begins on or after line {parser.RawRow + 1} is longer than {LongestField} characters: is a quotation mark missing?", tooLong);
        }
        catch (InvalidDataException damaged)
        {
            throw new UnreadableFileException($"The file is damaged after line {parser.RawRow}: {damaged.Message}", damaged);
        }
    }

    private string? FaultOf(string[] fields)
    {
        if (fields.Length != Header.Count)
        {
            return $"it has {fields.Length} fields where the header has {Header.Count}";
        }

        foreach (var field in fields)
        {
            var at = field.AsSpan().IndexOfAny('\0', '\uFFFD');
            if (at >= 0)
            {
                return field[at] == '\0' ? "it holds a NUL character" : "it is not valid UTF-8";
            }
        }

        return null;
    }
}
