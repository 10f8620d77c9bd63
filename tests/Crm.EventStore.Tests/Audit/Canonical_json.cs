using System.Globalization;
using System.Text;
using System.Text.Json;
using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

/// <summary>RFC 8785's own examples, and what is not in them.</summary>
public class Canonical_json
{
    [Fact]
    public void of_the_RFCs_sample_is_the_RFCs() => Becomes(
        """
        {
          "numbers": [333333333.33333329, 1E30, 4.50,
                      2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }
        """,
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            + "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");

    // Section 3.2.3: names whose UTF-16 order is neither that of UTF-8 nor of code points.
    [Fact]
    public void has_the_RFCs_order_of_names() => Becomes(
        """
        {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
         "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
        """,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\","
            + "\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");

    // Appendix B: the double of these bits is written so.
    [Theory]
    [InlineData("0000000000000000", "0")]
    [InlineData("8000000000000000", "0")]
    [InlineData("0000000000000001", "5e-324")]
    [InlineData("8000000000000001", "-5e-324")]
    [InlineData("7fefffffffffffff", "1.7976931348623157e+308")]
    [InlineData("ffefffffffffffff", "-1.7976931348623157e+308")]
    [InlineData("4340000000000000", "9007199254740992")]
    [InlineData("c340000000000000", "-9007199254740992")]
    [InlineData("4430000000000000", "295147905179352830000")]
    [InlineData("44b52d02c7e14af5", "9.999999999999997e+22")]
    [InlineData("44b52d02c7e14af6", "1e+23")]
    [InlineData("44b52d02c7e14af7", "1.0000000000000001e+23")]
    [InlineData("444b1ae4d6e2ef4e", "999999999999999700000")]
    [InlineData("444b1ae4d6e2ef4f", "999999999999999900000")]
    [InlineData("444b1ae4d6e2ef50", "1e+21")]
    [InlineData("3eb0c6f7a0b5ed8c", "9.999999999999997e-7")]
    [InlineData("3eb0c6f7a0b5ed8d", "0.000001")]
    [InlineData("41b3de4355555553", "333333333.3333332")]
    [InlineData("41b3de4355555554", "333333333.33333325")]
    [InlineData("41b3de4355555555", "333333333.3333333")]
    [InlineData("41b3de4355555556", "333333333.3333334")]
    [InlineData("41b3de4355555557", "333333333.33333343")]
    [InlineData("becbf647612f3696", "-0.0000033333333333333333")]
    [InlineData("43143ff3c1cb0959", "1424953923781206.2")]
    public void has_the_RFCs_form_of_numbers(string bits, string canonical)
    {
        var value = BitConverter.Int64BitsToDouble(long.Parse(bits, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        Becomes(value.ToString("E20", CultureInfo.InvariantCulture), canonical);
        Becomes(canonical, canonical);
    }

    [Theory]
    [InlineData("123456789012345", "123456789012345")]
    [InlineData("-1", "-1")]
    [InlineData("-0", "0")]
    [InlineData("-0.0e5", "0")]
    [InlineData("1234.50", "1234.5")]
    [InlineData("100", "100")]
    [InlineData("1e2", "100")]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("123456789012345678901234567890", "1.2345678901234568e+29")]
    [InlineData("0.00001", "0.00001")]
    [InlineData("0.0000001", "1e-7")]
    [InlineData("1e-400", "0")]
    [InlineData("[ ]", "[]")]
    [InlineData("{ }", "{}")]
    [InlineData("""{"b":{"z":1,"a":[{"d":1,"c":2}]},"a":""}""", """{"a":"","b":{"a":[{"c":2,"d":1}],"z":1}}""")]
    [InlineData("""{"aa":1,"a":2,"":3}""", """{"":3,"a":2,"aa":1}""")]
    [InlineData("""{"a\tb":1,"a\u0001":2,"a\"":3}""", """{"a\u0001":2,"a\tb":1,"a\"":3}""")]
    public void of_what_the_RFC_leaves_unsaid_follows_from_it(string json, string canonical) => Becomes(json, canonical);

    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"b":1,"a":2,"b":3}""")]
    [InlineData("""{"a":1,"\u0061":2}""")]
    [InlineData("\"\\ud83d\"")]
    [InlineData("\"\\ude00\\ud83d\"")]
    [InlineData("1e400")]
    [InlineData("1 2")]
    [InlineData("{\"a\":1")]
    [InlineData("NaN")]
    [InlineData("")]
    public void is_refused_where_there_is_none(string json) =>
        Assert.ThrowsAny<JsonException>(() => CanonicalJson.Of(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void is_refused_of_bytes_that_are_not_UTF_8() =>
        Assert.ThrowsAny<JsonException>(static () => CanonicalJson.Of([(byte)'"', 0xC3, 0x28, (byte)'"']));

    [Fact]
    public void of_its_own_output_is_the_same_whatever_was_put_in()
    {
        var random = new Random(8785);
        for (var round = 0; round < 300; round++)
        {
            var json = Encoding.UTF8.GetBytes(Random(random, 4));
            var canonical = CanonicalJson.Of(json);
            Assert.Equal(canonical, CanonicalJson.Of(canonical));
            Assert.True(JsonElement.DeepEquals(
                JsonDocument.Parse(canonical).RootElement, JsonDocument.Parse(CanonicalJson.Of(canonical)).RootElement));
        }
    }

    private static string Random(Random random, int depth) => (depth == 0 ? random.Next(3) : random.Next(5)) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"{random.NextDouble():F12}e{random.Next(-20, 20)}"),
        1 => random.Next().ToString(CultureInfo.InvariantCulture),
        2 => JsonSerializer.Serialize(Word(random)),
        3 => $"[{string.Join(" , ", Enumerable.Range(0, random.Next(4)).Select(_ => Random(random, depth - 1)))}]",
        _ => $"{{{string.Join(",\n", Enumerable.Range(0, random.Next(6)).Select(_ => Word(random)).Distinct()
            .Select(name => $"{JsonSerializer.Serialize(name)} : {Random(random, depth - 1)}"))}}}",
    };

    private static string Word(Random random) =>
        string.Concat(random.GetItems(["a", "b", "\n", "\"", "€", "😀", "\ufb33", "z"], random.Next(5)));

    private static void Becomes(string json, string canonical) =>
        Assert.Equal(canonical, Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(json))));
}
