using System.Text.RegularExpressions;

namespace Crm.Architecture.Tests;

public partial class The_page_of_security
{
    [Fact]
    public async Task names_only_specifications_that_exist()
    {
        var page = await File.ReadAllTextAsync(Repository.Path("docs", "security.md"), TestContext.Current.CancellationToken);
        var named = Names().Matches(page).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).ToList();
        var existing = Directory.EnumerateFiles(Repository.Path("tests"), "*.cs", SearchOption.AllDirectories)
            .Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        Assert.True(named.Count > 20, $"only {named.Count} names were found");
        Assert.Equal([], named.Where(name => !existing.Contains(name)));
    }

    // Specifications are written `Like_this`, and nothing else on the page is.
    [GeneratedRegex("`(?<name>[A-Z][a-zA-Z]*(_[a-zA-Z]+)+)`", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();
}
