using System.IO.Compression;
using CsvHelper;

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
    private const int LongestRecord = 8 << 20;
    private readonly FileStream file;
    private readonly CsvReader reader;
    private string? malformed;

    private CsvRows(FileStream file, char delimiter)
    {
        this.file = file;
        reader = CsvReader.Create(
            Decompressed(file),
            CsvReaderOptions.Default with
            {
                Separator = delimiter,
                TrackLineNumbers = true,
                MaxRecordSize = LongestRecord,
                DetectSeparatorHint = false,
                PoolStrings = true,
                OnMalformedRecord = record => malformed = FaultOf(record),
            },
            leaveOpen: false);
    }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Header { get; private set; } = [];

    /// <summary>How much of the file has been read, 0–1.</summary>
    public double Progress => file.Length == 0 ? 1 : Math.Min(1, (double)file.Position / file.Length);

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="UnreadableFileException">There is no such file, or no header in it.</exception>
    public static CsvRows Open(string path, char delimiter = ',')
    {
        FileStream opened;
        try
        {
            opened = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024, FileOptions.SequentialScan);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableFileException(missing.Message, missing);
        }

        var rows = new CsvRows(opened, delimiter);
        try
        {
            rows.Header = rows.ReadHeader();
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
        while (Guarded(() => reader.Read()))
        {
            var fields = new string[reader.FieldCount];
            for (var index = 0; index < fields.Length; index++)
            {
                fields[index] = reader.GetString(index);
            }

            yield return new ImportRow(reader.RowNumber, reader.LineNumber, fields, malformed ?? FaultOf(fields));
            malformed = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        reader.Dispose();
        file.Dispose();
    }

    private static Stream Decompressed(FileStream file)
    {
        Span<byte> magic = stackalloc byte[2];
        var read = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        file.Position = 0;
        return read == 2 && magic is [0x1f, 0x8b] ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    private static string FaultOf(CsvMalformedRecord record) => record.Reason switch
    {
        CsvMalformedReason.StrayQuote => "a quotation mark stands inside an unquoted field",
        CsvMalformedReason.TextAfterClosingQuote => "text stands after a closing quotation mark",
        CsvMalformedReason.UnterminatedQuote => "a quoted field is never closed",
        CsvMalformedReason.LineBreakInQuotes => "a line breaks inside quotation marks",
        CsvMalformedReason.FieldCountMismatch => "it has more or fewer fields than the header",
        CsvMalformedReason.TrailingEscape => "it ends with an escape character",
    };

    private IReadOnlyList<string> ReadHeader()
    {
        IReadOnlyList<string> header = [.. Guarded(() =>
        {
            reader.ReadHeader();
            return reader.Headers;
        })];
        if (malformed is not null)
        {
            throw new UnreadableFileException($"The header cannot be read: {malformed}.");
        }

        if (header is [] or [""])
        {
            throw new UnreadableFileException("The file is empty: its first row must name the columns.");
        }

        return header.GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static same => same.Count() > 1) is { } twice
            ? throw new UnreadableFileException($"The header names the column {twice.Key} twice.")
            : header;
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvFormatException tooLong)
        {
            throw new UnreadableFileException(
                $"The file cannot be read on after line {reader.LineNumber}: {tooLong.Message} Is a quotation mark missing?", tooLong);
        }
        catch (InvalidDataException damaged)
        {
            throw new UnreadableFileException($"The file is damaged after line {reader.LineNumber}: {damaged.Message}", damaged);
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
