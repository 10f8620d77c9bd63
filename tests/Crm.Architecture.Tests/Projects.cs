using System.Reflection;
using System.Text.RegularExpressions;
using Crm.Application;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Architecture.Tests;

public partial class Projects
{
    private static readonly Assembly Domain = typeof(LeadEvent).Assembly;
    private static readonly Assembly EventStore = typeof(EventCatalog).Assembly;
    private static readonly Assembly Application = typeof(EventJson).Assembly;
    private static readonly Assembly Projections = Assembly.Load("Crm.Projections");
    private static readonly Assembly Web = Assembly.Load("crm");

    [Fact]
    public void point_only_the_way_the_design_says()
    {
        Assert.Empty(OwnReferencesOf(Domain));
        Assert.Empty(OwnReferencesOf(EventStore));
        Assert.Subset(new HashSet<string> { "Crm.Domain", "Crm.EventStore" }, OwnReferencesOf(Application));
        Assert.Subset(new HashSet<string> { "Crm.Domain", "Crm.EventStore" }, OwnReferencesOf(Projections));
        Assert.Subset(
            new HashSet<string> { "Crm.Domain", "Crm.EventStore", "Crm.Application", "Crm.Projections" }, OwnReferencesOf(Web));
    }

    [Fact]
    public void know_HTTP_in_the_host_only() =>
        Assert.All([Domain, EventStore, Application, Projections], assembly =>
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), reference =>
                reference.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) // a compiled reference has a name
                || reference.Name.StartsWith("System.Net.Http", StringComparison.Ordinal)));

    [Fact]
    public void of_the_domain_reference_nothing_but_the_runtime()
    {
        Assert.All(Domain.GetReferencedAssemblies(), reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));
        Assert.DoesNotContain("Reference Include", File.ReadAllText(Repository.Path("src", "Crm.Domain", "Crm.Domain.csproj")));
    }

    [Fact]
    public void of_the_domain_call_no_clock_chance_or_outside_world()
    {
        var impure = Repository.SourcesOf("Crm.Domain")
            .SelectMany(file => File.ReadAllLines(file)
                .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && Impure().IsMatch(line))
                .Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"));
        Assert.Empty(impure);
    }

    [Theory]
    [InlineData("var now = DateTimeOffset.UtcNow;")]
    [InlineData("var now = DateTime.Now;")]
    [InlineData("var id = Guid.NewGuid();")]
    [InlineData("var id = Guid.CreateVersion7(now);")]
    [InlineData("TimeProvider clock")]
    [InlineData("new Random(1)")]
    [InlineData("Random.Shared.Next()")]
    [InlineData("Task<Lead> Load()")]
    [InlineData("File.ReadAllText(path)")]
    public void of_the_domain_would_be_caught(string line) => Assert.Matches(Impure(), line);

    private static HashSet<string> OwnReferencesOf(Assembly assembly) =>
        [.. assembly.GetReferencedAssemblies().Select(reference => reference.Name!) // a compiled reference has a name
            .Where(name => name.StartsWith("Crm.", StringComparison.Ordinal) || name == "crm")];

    [GeneratedRegex(
        @"\bDateTime(Offset)?\.(Utc)?(Now|Today)|\bTimeProvider\b|\bStopwatch\b|\bEnvironment\.|\bGuid\.(New|CreateVersion7)"
        + @"|\bRandom\b|\bRandomNumberGenerator\b|\bTask\b|\bValueTask\b|\basync\b|\bawait\b|\bThread\b|\block\b"
        + @"|\bSystem\.IO\b|\bFile\.|\bDirectory\.|\bStream\b|\bHttpClient\b|\bSocket|\bDns\.|\bConsole\.|\bProcess\.",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Impure();
}
