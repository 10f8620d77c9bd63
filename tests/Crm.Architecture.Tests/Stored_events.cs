using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Crm.Application;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Architecture.Tests;

public partial class Stored_events
{
    private static readonly Dictionary<string, IReadOnlyDictionary<string, Type>> StoredNamesOf = new(StringComparer.Ordinal)
    {
        ["lead"] = LeadEvent.StoredNames,
        ["user"] = UserEvent.StoredNames,
        ["team"] = TeamEvent.StoredNames,
        ["access"] = AccessEvent.StoredNames,
        ["api-key"] = ApiKeyEvent.StoredNames,
    };

    private static readonly Dictionary<string, Type> StoredNames = StoredNamesOf.Values.SelectMany(names => names).ToDictionary();

    private static readonly Type[] Families =
        [typeof(LeadEvent), typeof(UserEvent), typeof(TeamEvent), typeof(AccessEvent), typeof(ApiKeyEvent)];

    private static readonly string[] SourceFiles = ["Leads/Lead", "Users/User", "Teams/Team", "Access/Access", "ApiKeys/ApiKey"];

    public static TheoryData<string> TodaysShapes => [.. EventSamples.Today.Keys];

    public static TheoryData<string> OlderShapes => [.. EventSamples.Older.Keys];

    [Fact]
    public void are_all_named_exactly_once()
    {
        var types = typeof(LeadEvent).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && Families.Any(type.IsSubclassOf));
        Assert.Equal(types.OrderBy(type => type.Name), StoredNames.Values.OrderBy(type => type.Name));
    }

    [Fact]
    public void are_all_in_the_catalog_under_their_names_and_in_their_streams()
    {
        Assert.Equal(StoredNames.Keys.Order(), EventJson.Catalog.Entries.Select(entry => entry.Name).Order());
        Assert.All(EventJson.Catalog.Entries, entry => Assert.Equal(StoredNames[entry.Name], entry.Type));
        Assert.All(EventJson.Catalog.Entries, entry => Assert.Contains(entry.Name, StoredNamesOf[entry.StreamType]));

        // A fact of access names what happened; every other event names its stream first.
        Assert.All(EventJson.Catalog.Entries.Where(entry => entry.StreamType is not AccessEvent.StreamType), entry =>
            Assert.StartsWith(entry.StreamType + "-", entry.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void are_named_by_literals_in_kebab_case()
    {
        var sources = string.Concat(
            SourceFiles.Select(family => File.ReadAllText(Repository.Path("src", "Crm.Domain", $"{family}Events.cs"))));
        var literals = NameLiteral().Matches(sources).Select(match => match.Groups["name"].Value);
        Assert.Equal(StoredNames.Keys.Order(), literals.Order());
        Assert.DoesNotContain("nameof", sources);
    }

    [Fact]
    public void all_have_an_approved_sample() =>
        Assert.Empty(StoredNames.Keys.Except(EventSamples.Today.Keys.Select(EventSamples.StoredNameOf)));

    [Fact]
    public void have_no_approved_sample_that_no_test_reads()
    {
        var files = Directory.EnumerateFiles(ApprovedFolder, "*.json").Select(Path.GetFileNameWithoutExtension).Order();
        Assert.Equal(EventSamples.Today.Keys.Concat(EventSamples.Older.Keys).Order(), files);
    }

    [Theory]
    [MemberData(nameof(TodaysShapes))]
    public void are_written_as_approved_and_read_back(string sample)
    {
        var happened = EventSamples.Today[sample];
        var written = Encoding.UTF8.GetString(EventJson.Catalog.Serialize(happened));
        Assert.True(File.Exists(ApprovedFile(sample)), $"Approve this shape by writing it to Approved/{sample}.json: {written}");
        Assert.Equal(Approved(sample), written);

        var read = EventJson.Catalog.Deserialize(EventSamples.StoredNameOf(sample), Encoding.UTF8.GetBytes(Approved(sample)));
        Assert.Equal(happened, read);
        Assert.Equal(EventJson.Catalog.Of(happened).Name, EventSamples.StoredNameOf(sample));
    }

    [Theory]
    [MemberData(nameof(OlderShapes))]
    public void of_older_shapes_are_read_as_of_today(string sample) =>
        Assert.Equal(
            EventSamples.Older[sample],
            EventJson.Catalog.Deserialize(EventSamples.StoredNameOf(sample), Encoding.UTF8.GetBytes(Approved(sample))));

    [Theory]
    [MemberData(nameof(TodaysShapes))]
    public void are_read_past_members_of_a_newer_program(string sample)
    {
        var newer = "{\"notYetKnown\":{\"a\":[1]}," + Approved(sample)[1..];
        newer = newer.Replace(",}", "}", StringComparison.Ordinal);
        Assert.Equal(
            EventSamples.Today[sample],
            EventJson.Catalog.Deserialize(EventSamples.StoredNameOf(sample), Encoding.UTF8.GetBytes(newer)));
    }

    [Theory]
    [MemberData(nameof(TodaysShapes))]
    public void are_read_whatever_the_order_of_their_members(string sample)
    {
        // jsonb keeps an order of its own.
        using var document = JsonDocument.Parse(Approved(sample));
        var turned = JsonSerializer.SerializeToUtf8Bytes(
            document.RootElement.EnumerateObject().Reverse().ToDictionary(member => member.Name, member => member.Value));
        Assert.Equal(EventSamples.Today[sample], EventJson.Catalog.Deserialize(EventSamples.StoredNameOf(sample), turned));
    }

    [Theory]
    [MemberData(nameof(TodaysShapes))]
    public void are_evolved(string sample)
    {
        switch (EventSamples.Today[sample])
        {
            case LeadEvent happened:
                _ = Lead.Evolve(Lead.Initial, happened);
                break;
            case UserEvent happened:
                _ = User.Evolve(User.Initial, happened);
                break;
            case TeamEvent or AccessEvent or ApiKeyEvent:
                // Teams and keys have specifications of their own; facts of access belong to no aggregate.
                break;
            default:
                Assert.Fail($"{sample} belongs to no aggregate.");
                break;
        }
    }

    [Theory]
    [InlineData("lead-captured", """{"details":{"tags":[]},"score":"high","scoreRules":1}""")]
    [InlineData("lead-restored", """{"toVersion":1,"details":{"tags":[]},"status":3}""")]
    [InlineData("lead-restored", """{"toVersion":1,"details":{"tags":[]},"status":"asleep"}""")]
    [InlineData("lead-note-added", """{"noteId":"01930000-0000-7000-8000-0000000000a1","text":null}""")]
    [InlineData("user-registered", """{"name":null,"role":"agent","isActive":true}""")]
    [InlineData("lead-contacted", "null")]
    [InlineData("lead-captured", "[]")]
    [InlineData("lead-vanished", "{}")]
    public void that_cannot_be_understood_stop_the_reading(string name, string json) =>
        Assert.Throws<LogCorruptException>(() => EventJson.Catalog.Deserialize(name, Encoding.UTF8.GetBytes(json)));

    private static string ApprovedFolder => Repository.Path("tests", "Crm.Architecture.Tests", "Approved");

    private static string ApprovedFile(string sample) => Path.Combine(ApprovedFolder, sample + ".json");

    /// <summary>The file without the line end that every text file in the repository has.</summary>
    private static string Approved(string sample) => File.ReadAllText(ApprovedFile(sample))[..^1];

    [GeneratedRegex("""\["(?<name>[a-z]+(-[a-z]+)*)"\] = typeof\(""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex NameLiteral();
}
