using System.Globalization;
using System.Text;

namespace Crm.Application.Import;

/// <summary>
/// The list of rows that were not taken, as CSV: line, row, reason and the row itself. It is written before the rows' batch is
/// appended and cut back to the bookmark's length when an import is resumed, so that each rejected row stands in it once.
/// </summary>
internal sealed class RejectedRows(string path) : IDisposable
{
    private FileStream? file;

    /// <summary>Where the list stands.</summary>
    public string Path => path;

    /// <summary>Cuts the list to a length, adds rows, and answers the new length once they are on disk.</summary>
    /// <param name="length">The length that is known to be good; 0 begins the list.</param>
    /// <param name="rejected">The rows.</param>
    public long Write(long length, IReadOnlyList<RejectedRow> rejected)
    {
        if (rejected.Count == 0)
        {
            return length;
        }

        // The rows are people: for the one who imports alone.
        file ??= new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });

        // A list that was taken away meanwhile begins anew; what it held before is lost with it.
        file.SetLength(length <= file.Length ? length : 0);
        file.Position = file.Length;
        var text = new StringBuilder(file.Length == 0 ? "line,row,reason,record\r\n" : "");
        foreach (var each in rejected)
        {
            text.Append(CultureInfo.InvariantCulture, $"{each.Row.Line},{each.Row.Number},{Quoted(each.Why)},");
            text.Append(Quoted(string.Join(',', each.Row.Fields.Select(Quoted)))).Append("\r\n");
        }

        file.Write(Encoding.UTF8.GetBytes(text.ToString()));
        file.Flush(flushToDisk: true);
        return file.Length;
    }

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    private static string Quoted(string field) =>
        field.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
}
