using System.Text;
using System.Text.Json;
using Crm.Application.Import;
using Crm.Testing;

namespace Crm.Application.Tests.Import;

public sealed class Reading_csv : IDisposable
{
    private readonly TestFolder folder = new();

    public static TheoryData<string> Spectrum =>
    [
        "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf", "quotes_and_newlines", "simple",
        "simple_crlf", "utf8",
    ];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void takes_quoted_fields_as_they_are_and_counts_lines()
    {
        using var rows = CsvRows.Open(folder.Write("quoted.csv", "a,b\r\n\"1\r\n2\",\"say \"\"hi\"\"\"\r\n\r\nx , y\r\n"));

        Assert.Collection(
            rows.Rows(),
            first => Assert.Equal(
                (1, 2, "1\r\n2|say \"hi\"", null), (first.Number, first.Line, string.Join('|', first.Fields), first.Fault)),
            second => Assert.Equal((2, 5, "x | y", null), (second.Number, second.Line, string.Join('|', second.Fields), second.Fault)));
    }

    [Theory]
    [InlineData("a,b\n1,2,3\n", "it has 3 fields where the header has 2")]
    [InlineData("a,b\n1\n", "it has 1 fields where the header has 2")]
    [InlineData("a,b\n1,x\"y\n", "a quotation mark stands inside an unquoted field")]
    [InlineData("a,b\n1,\"x\"y\n", "text stands after a closing quotation mark")]
    [InlineData("a,b\n1,\"x\n", "a quoted field is never closed")]
    [InlineData("a,b\n1,\0\n", "it holds a NUL character")]
    public void says_what_is_wrong_with_a_row(string text, string fault)
    {
        using var rows = CsvRows.Open(folder.Write("bad.csv", text));

        Assert.Equal(fault, Assert.Single(rows.Rows()).Fault);
    }

    [Fact]
    public void says_that_a_row_is_not_utf8()
    {
        File.WriteAllBytes(folder.Path("latin.csv"), Encoding.Latin1.GetBytes("a\nMüller\nok\n"));
        using var rows = CsvRows.Open(folder.Path("latin.csv"));

        Assert.Equal(["it is not valid UTF-8", null], rows.Rows().Select(row => row.Fault));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a,b,a\n1,2,3\n")]
    public void refuses_a_header_that_names_no_columns(string text) =>
        Assert.Throws<UnreadableFileException>(() => CsvRows.Open(folder.Write("header.csv", text)));

    [Fact]
    public void refuses_a_file_that_is_not_there() =>
        Assert.Throws<UnreadableFileException>(() => CsvRows.Open(folder.Path("nothing.csv")));

    [Theory]
    [MemberData(nameof(Spectrum))]
    public void agrees_with_the_spectrum_of_csv(string name)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(SharedData.Path("csv-spectrum", "json", $"{name}.json")));
        using var rows = CsvRows.Open(SharedData.Path("csv-spectrum", "csvs", $"{name}.csv"));

        var read = rows.Rows().ToList();

        Assert.All(read, row => Assert.Null(row.Fault));
        Assert.Equal(
            expected.RootElement.EnumerateArray().Select(row => string.Join(
                '|', row.EnumerateObject().Select(field => $"{field.Name}={Lines(field.Value.GetString())}"))),
            read.Select(row => string.Join('|', rows.Header.Zip(row.Fields, (column, field) => $"{column}={Lines(field)}"))));
    }

    [Fact]
    public void agrees_with_the_valid_and_invalid_files_of_rfc_4180()
    {
        foreach (var path in Directory.EnumerateFiles(SharedData.Path("csv-test-data", "csv"), "*.csv").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (name.StartsWith("bad-header", StringComparison.Ordinal) || name is "empty-one-column" or "all-empty")
            {
                // A wrong header is the map's business; empty lines are no rows here.
                continue;
            }

            // The collection's files have no header unless their name says so.
            var headed = name.StartsWith("header-", StringComparison.Ordinal) ? path : WithHeader(path);
            using var rows = CsvRows.Open(headed);
            var read = rows.Rows().ToList();
            if (name.StartsWith("bad-", StringComparison.Ordinal))
            {
                Assert.True(read.Exists(row => row.Fault is not null), name);
                continue;
            }

            using var expected = JsonDocument.Parse(File.ReadAllText(SharedData.Path("csv-test-data", "json", $"{name}.json")));
            Assert.Equal(
                expected.RootElement.EnumerateArray().Select(row => string.Join('|', Values(row))),
                read.Select(row => string.Join('|', row.Fields)));
        }
    }

    // The collection was once checked out with line ends of another system than its expectations.
    private static string? Lines(string? field) => field?.Replace("\r\n", "\n", StringComparison.Ordinal);

    private static IEnumerable<string?> Values(JsonElement row) => row.ValueKind == JsonValueKind.Array
        ? row.EnumerateArray().Select(field => field.GetString())
        : row.EnumerateObject().Select(field => field.Value.GetString());

    private string WithHeader(string path)
    {
        var text = File.ReadAllText(path);
        using var first = CsvRows.Open(path);
        return folder.Write(Path.GetFileName(path), string.Join(',', first.Header.Select((_, index) => $"c{index}")) + "\n" + text);
    }
}
