using System.Globalization;
using System.Text.RegularExpressions;

namespace Crm.Architecture.Tests;

public partial class The_page_of_security
{
    // ASVS 4.0.3, levels 1 and 2: each section with the last of its numbers, and those that the standard dropped or keeps for level 3.
    private static readonly (string Section, int Last, int[] Without)[] Sections =
    [
        ("1.1", 7, []), ("1.2", 4, []), ("1.4", 5, [2, 3]), ("1.5", 4, []), ("1.6", 4, []), ("1.7", 2, []), ("1.8", 2, []), ("1.9", 2, []),
        ("1.10", 1, []), ("1.11", 2, []), ("1.12", 2, [1]), ("1.14", 6, []),
        ("2.1", 12, []), ("2.2", 3, []), ("2.3", 3, []), ("2.4", 5, []), ("2.5", 7, []), ("2.6", 3, []), ("2.7", 6, []), ("2.8", 7, []),
        ("2.9", 3, []), ("2.10", 4, []),
        ("3.1", 1, []), ("3.2", 4, []), ("3.3", 4, []), ("3.4", 5, []), ("3.5", 3, []), ("3.7", 1, []),
        ("4.1", 5, [4]), ("4.2", 2, []), ("4.3", 3, []),
        ("5.1", 5, []), ("5.2", 8, []), ("5.3", 10, []), ("5.4", 3, []), ("5.5", 4, []),
        ("6.1", 3, []), ("6.2", 6, []), ("6.3", 2, []), ("6.4", 2, []),
        ("7.1", 4, []), ("7.2", 2, []), ("7.3", 4, [2]), ("7.4", 3, []),
        ("8.1", 4, []), ("8.2", 3, []), ("8.3", 8, []),
        ("9.1", 3, []), ("9.2", 4, []),
        ("10.2", 2, []), ("10.3", 3, []),
        ("11.1", 8, []),
        ("12.1", 3, []), ("12.2", 1, []), ("12.3", 6, []), ("12.4", 2, []), ("12.5", 2, []), ("12.6", 1, []),
        ("13.1", 5, [2]), ("13.2", 6, [4]), ("13.3", 2, []), ("13.4", 2, []),
        ("14.1", 4, []), ("14.2", 6, []), ("14.3", 3, [1]), ("14.4", 7, []), ("14.5", 4, []),
    ];

    private static readonly string[] Verdicts = ["met", "in part", "not met", "n. a."];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("security.md", 20)]
    [InlineData("asvs.md", 50)]
    public async Task names_only_specifications_that_exist(string file, int atLeast)
    {
        var named = SpecificationsIn(await Page(file)).Distinct(StringComparer.Ordinal).ToList();
        var existing = Directory.EnumerateFiles(Repository.Path("tests"), "*.cs", SearchOption.AllDirectories)
            .Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        Assert.True(named.Count > atLeast, $"only {named.Count} names were found");
        Assert.Equal([], named.Where(name => !existing.Contains(name)));
    }

    [Theory]
    [InlineData("security.md", 1)]
    [InlineData("asvs.md", 20)]
    public async Task names_only_files_that_exist(string file, int atLeast)
    {
        var named = FilesIn(await Page(file)).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(named.Count >= atLeast, $"only {named.Count} files were found");
        Assert.Equal([], named.Where(name => !Path.Exists(Repository.Path(name.Split('/')))));
    }

    [Fact]
    public async Task judges_every_requirement_of_the_standard_once()
    {
        var expected = Sections.SelectMany(static section => Enumerable.Range(1, section.Last).Except(section.Without)
            .Select(number => string.Create(CultureInfo.InvariantCulture, $"{section.Section}.{number}")));
        Assert.Equal(expected, (await Requirements()).Select(static row => row.Number));
    }

    [Fact]
    public async Task gives_each_a_verdict_and_says_why()
    {
        foreach (var (number, asked, verdict, how) in await Requirements())
        {
            Assert.True(asked.Length > 0 && how.Length > 0, $"{number} says too little");
            Assert.True(Verdicts.Contains(verdict), $"{number} has the verdict '{verdict}'");
        }
    }

    [Fact]
    public async Task calls_nothing_met_that_nothing_shows() => Assert.Equal(
        [],
        from row in await Requirements()
        where row.Verdict == "met" && !SpecificationsIn(row.How).Concat(FilesIn(row.How)).Any()
        select row.Number);

    [Fact]
    public async Task counts_the_verdicts_as_they_are()
    {
        var requirements = await Requirements();
        var counts = string.Join(" | ", Verdicts.Select(verdict => requirements.Count(row => row.Verdict == verdict)));
        var table = $"| {string.Join(" | ", Verdicts)} |\n|---|---|---|---|\n| {counts} |\n";
        Assert.Contains(table, await Page("security.md"), StringComparison.Ordinal);
    }

    private static Task<string> Page(string file) => File.ReadAllTextAsync(Repository.Path("docs", file), Ct);

    private static async Task<IReadOnlyList<(string Number, string Asked, string Verdict, string How)>> Requirements() =>
    [
        .. (await Page("asvs.md")).Split('\n')
            .Where(static line => line.StartsWith("| ", StringComparison.Ordinal) && char.IsAsciiDigit(line[2]))
            .Select(static line => line.Split('|', StringSplitOptions.TrimEntries) is ["", var number, var asked, var verdict, var how, ""]
                ? (number, asked, verdict, how)
                : throw new InvalidOperationException($"not four cells: {line}")),
    ];

    private static IEnumerable<string> SpecificationsIn(string text) =>
        Names().Matches(text).Select(static match => match.Groups["name"].Value);

    private static IEnumerable<string> FilesIn(string text) => Files().Matches(text).Select(static match => match.Groups["file"].Value);

    // Specifications are written `Like_this`, and nothing else on the pages is; settings are `LIKE_THIS`.
    [GeneratedRegex(
        "`(?![A-Z_]+`)(?<name>[A-Z][a-zA-Z]*(_[a-zA-Z]+)+)`", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();

    [GeneratedRegex(
        @"`(?<file>(src|tests|docs|ops)/[\w./-]+|[\w.]+\.(md|props))`", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Files();
}
