using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Domain;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;

namespace Crm.Architecture.Tests;

public sealed class What_is_personal : IDisposable
{
    private static readonly Guid Stream = new("01930000-0000-7000-8000-00000000000f");

    private readonly StreamCipher cipher = new(new byte[32]);
    private readonly JsonSealer sealer = new();
    private readonly JsonOpener opener = new();

    public static TheoryData<string> Shapes => [.. EventSamples.Today.Keys.Concat(EventSamples.Older.Keys)];

    public void Dispose() => cipher.Dispose();

    [Fact]
    public void has_been_decided_for_each_member_of_each_event()
    {
        var found = EventJson.Catalog.Entries
            .SelectMany(static entry => Members(entry.Json, entry.Name)).Order(StringComparer.Ordinal).ToList();
        var approved = File.ReadAllLines(Repository.Path("tests", "Crm.Architecture.Tests", "Approved", "personal.txt"));

        // In order, one line each: decide whether it is personal, and write it there.
        Assert.Equal([], found.Except(approved));
        Assert.Equal([], approved.Except(found));
        Assert.Equal(found, approved);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void comes_back_from_the_log_as_it_went_in(string sample)
    {
        var (entry, json) = Sample(sample);
        var place = new SealedPlace(Stream, 1, entry.Name);

        var stored = Seal(entry, json) ?? json;
        var opened = opener.Open(stored, [], entry.Personal, place, () => cipher, out _);

        Assert.Equal(EventJson.Catalog.Deserialize(entry.Name, json), EventJson.Catalog.Deserialize(entry.Name, opened));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void stands_in_no_stored_member_but_the_sealed_one(string sample)
    {
        var (entry, json) = Sample(sample);
        if (Seal(entry, json) is not { } stored)
        {
            return;
        }

        using var document = JsonDocument.Parse(stored);
        Assert.Empty(Names(document.RootElement, "").Intersect(
            Members(entry.Json, entry.Name).Where(static line => line.EndsWith(" personal", StringComparison.Ordinal))
                .Select(line => line[(entry.Name.Length + 1)..].Split(' ')[0])));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void can_be_read_when_it_is_erased(string sample)
    {
        var (entry, json) = Sample(sample);
        if (Seal(entry, json) is { } stored)
        {
            var read = opener.Open(stored, [], entry.Personal, new SealedPlace(Stream, 1, entry.Name), () => null, out var erased);
            Assert.True(erased);
            Assert.IsType(entry.Type, EventJson.Catalog.Deserialize(entry.Name, read));
        }
    }

    private static (EventCatalog.Entry Entry, byte[] Json) Sample(string sample)
    {
        var file = Repository.Path("tests", "Crm.Architecture.Tests", "Approved", sample + ".json");
        return (EventJson.Catalog.Named(EventSamples.StoredNameOf(sample)), Encoding.UTF8.GetBytes(File.ReadAllText(file)[..^1]));
    }

    private byte[]? Seal(EventCatalog.Entry entry, byte[] json) =>
        entry.Personal is { } personal ? sealer.Seal(json, personal, new SealedPlace(Stream, 1, entry.Name), () => cipher) : null;

    private static IEnumerable<string> Members(JsonTypeInfo type, string path)
    {
        foreach (var member in type.Properties.OrderBy(static member => member.Name, StringComparer.Ordinal))
        {
            var inner = type.Options.GetTypeInfo(member.PropertyType);
            var isPersonal = member.AttributeProvider?.IsDefined(typeof(PersonalAttribute), inherit: false) ?? false;
            if (isPersonal || inner.Kind is not JsonTypeInfoKind.Object)
            {
                yield return $"{path}.{member.Name} {(isPersonal ? "personal" : "plain")}";
                continue;
            }

            foreach (var line in Members(inner, $"{path}.{member.Name}"))
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<string> Names(JsonElement json, string path) => json.EnumerateObject().SelectMany(member =>
        member.Value.ValueKind is JsonValueKind.Object ? Names(member.Value, $"{path}{member.Name}.") : [$"{path}{member.Name}"]);
}
