using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Testing;

namespace Crm.EventStore.Tests.Sealing;

public sealed class Sealed_json : IDisposable
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(static number => (byte)number)];
    private static readonly SealedPlace Here = new(new Guid("01930000-0000-7000-8000-000000000001"), 3, "met");

    private readonly StreamCipher cipher = new(Key);
    private readonly JsonSealer sealer = new();
    private readonly JsonOpener opener = new();

    public void Dispose() => cipher.Dispose();

    [Theory]
    [InlineData("""{"name":"Ada","phone":"1","rank":7,"home":{"street":"x","country":"GB"}}""")]
    [InlineData("""{"rank":7,"home":{"country":"GB","street":"x"},"name":"Ada"}""")]
    [InlineData("""{"name":"a\"b\\{}\u00e9é,\"sealed\":1","rank":-1.5e3}""")]
    [InlineData("""{"name":{"deep":[1,{"sealed":"x"}]},"nicknames":["a","b"],"other":[{"name":"in a list"}]}""")]
    [InlineData("""{"home":{"street":"alone"}}""")]
    public void opens_as_it_was(string json)
    {
        var stored = Seal(json);

        using var was = JsonDocument.Parse(json);
        using var opened = JsonDocument.Parse(Open(stored));
        Assert.True(JsonElement.DeepEquals(was.RootElement, opened.RootElement), Text(stored));
        using var inTable = JsonDocument.Parse(stored);
        Assert.False(inTable.RootElement.TryGetProperty("name", out _));
        Assert.False(inTable.RootElement.TryGetProperty("home", out var home) && home.TryGetProperty("street", out _));
    }

    [Fact]
    public void holds_one_sealed_member_for_each_object_that_had_personal_ones()
    {
        using var stored = JsonDocument.Parse(Seal("""{"name":"Ada","phone":"1","rank":7,"home":{"street":"x","country":"GB"}}"""));

        Assert.Equal(["rank", "home", "sealed"], stored.RootElement.EnumerateObject().Select(static member => member.Name));
        Assert.Equal(["country", "sealed"], stored.RootElement.GetProperty("home").EnumerateObject().Select(static member => member.Name));
        var box = stored.RootElement.GetProperty("sealed").GetBytesFromBase64();
        Assert.Equal(1, box[0]);
        Assert.Equal(1 + 12 + "\"name\":\"Ada\",\"phone\":\"1\"".Length + 16, box.Length);
    }

    [Theory]
    [InlineData("""{"rank":7}""")]
    [InlineData("""{"rank":7,"home":{"country":"GB"}}""")]
    [InlineData("{}")]
    public void is_left_as_it_is_where_nothing_is_personal(string json) =>
        Assert.Null(sealer.Seal(Bytes(json), Meetings.Personal, Here, () => throw new InvalidOperationException("No key is needed.")));

    [Fact]
    public void never_looks_the_same_twice() => Assert.NotEqual(Seal("""{"name":"Ada"}"""), Seal("""{"name":"Ada"}"""));

    [Fact]
    public void does_not_open_with_any_bit_changed()
    {
        using var stored = JsonDocument.Parse(Seal("""{"name":"Ada"}"""));
        var box = stored.RootElement.GetProperty("sealed").GetBytesFromBase64();
        for (var bit = 0; bit < box.Length * 8; bit++)
        {
            box[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<LogCorruptException>(() => Open(Bytes($$"""{"sealed":"{{Convert.ToBase64String(box)}}"}""")));
            box[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < box.Length; length++)
        {
            Assert.Throws<LogCorruptException>(() => Open(Bytes($$"""{"sealed":"{{Convert.ToBase64String(box, 0, length)}}"}""")));
        }
    }

    [Theory]
    [InlineData("""{"sealed":null}""")]
    [InlineData("""{"sealed":7}""")]
    [InlineData("""{"sealed":{"a":1}}""")]
    [InlineData("""{"sealed":""}""")]
    [InlineData("""{"sealed":"not base64"}""")]
    public void that_is_none_is_refused(string json) => Assert.Throws<LogCorruptException>(() => Open(Bytes(json)));

    [Fact]
    public void opens_nowhere_else()
    {
        var stored = Seal("""{"name":"Ada","home":{"street":"x"}}""");

        Assert.Throws<LogCorruptException>(() => Open(stored, Here with { Stream = Guid.NewGuid() }));
        Assert.Throws<LogCorruptException>(() => Open(stored, Here with { Version = 4 }));
        Assert.Throws<LogCorruptException>(() => Open(stored, Here with { Name = "parted" }));

        // The member of the root in the place of the one below it, and the other way round.
        using var document = JsonDocument.Parse(stored);
        var root = document.RootElement.GetProperty("sealed").GetString();
        var home = document.RootElement.GetProperty("home").GetProperty("sealed").GetString();
        Assert.Throws<LogCorruptException>(() => Open(Bytes($$$"""{"home":{"sealed":"{{{root}}}"}}""")));
        Assert.Throws<LogCorruptException>(() => Open(Bytes($$"""{"sealed":"{{home}}"}""")));
    }

    [Fact]
    public void opens_by_what_is_stored_whatever_is_personal_today()
    {
        var stored = Seal("""{"name":"Ada","home":{"street":"x","country":"GB"}}""");

        var opened = Text(opener.Open(stored, [], personal: null, Here, () => cipher, out var erased));

        Assert.False(erased);
        Assert.Contains("\"name\":\"Ada\"", opened, StringComparison.Ordinal);
        Assert.Contains("\"street\":\"x\"", opened, StringComparison.Ordinal);
    }

    [Fact]
    public void reads_as_erased_without_its_key()
    {
        var stored = Seal(Meetings.Text(Meetings.Full));

        var read = opener.Open(stored, [], Meetings.Personal, Here, () => null, out var erased);

        Assert.True(erased);
        Assert.Equal(new Met("[erased]", null, 7, new Home(null, "GB")), Meetings.Catalog.Deserialize("met", read));
    }

    [Fact]
    public void is_AES_GCM_by_the_published_vectors()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllText(SharedData.Path("wycheproof", "aes_gcm_test.json")));
        var (valid, invalid) = (0, 0);
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            if (group.GetProperty("ivSize").GetInt32() != 96 || group.GetProperty("tagSize").GetInt32() != 128)
            {
                continue;
            }

            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                byte[] Hex(string name) => Convert.FromHexString(test.GetProperty(name).GetString() ?? "");
                using var published = new StreamCipher(Hex("key"));
                byte[] box = [1, .. Hex("iv"), .. Hex("ct"), .. Hex("tag")];
                var opened = new ArrayBufferWriter<byte>();
                if (test.GetProperty("result").GetString() == "valid")
                {
                    Assert.True(published.TryOpen(box, Hex("aad"), opened), test.ToString());
                    Assert.Equal(Hex("msg"), opened.WrittenSpan);
                    valid++;
                }
                else
                {
                    Assert.False(published.TryOpen(box, Hex("aad"), opened), test.ToString());
                    Assert.Equal(0, opened.WrittenCount);
                    invalid++;
                }
            }
        }

        Assert.True(valid > 100 && invalid > 50, $"only {valid} valid and {invalid} invalid vectors were judged");
    }

    [Fact]
    public void has_a_member_of_that_name_in_no_event() =>
        Assert.Throws<ArgumentException>(() => PersonalMembers.Of(OddJson.Default.Named, static _ => null));

    [Fact]
    public void has_no_personal_members_in_lists_of_objects() => Assert.Throws<ArgumentException>(
        () => PersonalMembers.Of(OddJson.Default.Listing, static member => member.Name == "Street" ? new PersonalMark(null) : null));

    private byte[] Seal(string json) =>
        sealer.Seal(Bytes(json), Meetings.Personal, Here, () => cipher) ?? throw new InvalidOperationException("Nothing was sealed.");

    private string Open(byte[] stored, SealedPlace? place = null) =>
        Text(opener.Open(stored, [], Meetings.Personal, place ?? Here, () => cipher, out _));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}

/// <summary>An event that must not be.</summary>
public sealed record Named([property: JsonPropertyName("sealed")] int Number);

/// <summary>Another one.</summary>
public sealed record Listing(IReadOnlyList<Home> Homes);

[JsonSerializable(typeof(Named))]
[JsonSerializable(typeof(Listing))]
internal sealed partial class OddJson : JsonSerializerContext;
