using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

/// <summary>As docs/audit.md describes it: a stranger's program must come to the same bytes.</summary>
public class The_leaf_of_an_event
{
    private const string Written =
        """
        {"archived":false,"at":"2026-03-04T12:00:00.000001Z","causation":"c-1","correlation":"request-1",
        "data":{"score":80,"value":{"amount":1234.5,"currency":"EUR"}},"dotNetType":"Crm.Domain.Leads.LeadQualified, Crm.Domain",
        "headers":{"actor":"ann","recordedAt":"2026-03-04T12:00:00.000002Z"},"id":"00000000-0000-0000-0000-000000000001",
        "numbers":{"/data/value/amount":"1234.50"},"position":7,"stream":"00000000-0000-0000-0000-000000000002",
        "tenant":"*DEFAULT*","type":"lead-qualified","version":3}
        """;

    [Fact]
    public void is_its_whole_row_in_canonical_JSON()
    {
        var expected = Written.ReplaceLineEndings("");
        Assert.Equal(expected, Canonical(Row()));
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(expected))));
    }

    [Fact]
    public void has_the_hash_of_a_zero_byte_and_those_bytes()
    {
        var hash = new byte[MerkleTree.HashBytes];
        new EventLeaf().Hash(Row(), hash);
        Assert.Equal(SHA256.HashData([0, .. Encoding.UTF8.GetBytes(Written.ReplaceLineEndings(""))]), hash);
        Assert.Equal(hash, MerkleTree.LeafHash(Encoding.UTF8.GetBytes(Written.ReplaceLineEndings(""))));
    }

    [Fact]
    public void leaves_out_what_is_null_and_shows_what_is_empty() => Assert.Equal(
        """{"at":"1999-12-31T23:59:59.999999Z","causation":"","data":null,"""
            + "\"id\":\"00000000-0000-0000-0000-000000000000\",\"position\":0,\"version\":0}",
        Canonical(new StoredRow { At = -1, Data = new StoredValue("null"u8), Causation = new StoredValue([]) }));

    [Fact]
    public void shows_bytes_in_base64_and_times_that_no_calendar_has_as_they_are_stored() => Assert.Equal(
        """{"at":"9223372036854775807","binary":"AP8=","id":"00000000-0000-0000-0000-000000000000","position":0,"version":0}""",
        Canonical(new StoredRow { At = long.MaxValue, Binary = new StoredValue([0, 255]) }));

    [Theory]
    [InlineData("""{"a":1.50}""", """{"/data/a":"1.50"}""")]
    [InlineData("""{"a":[0,12345678901234567891]}""", """{"/data/a/1":"12345678901234567891"}""")]
    [InlineData("""{"a/b":{"~":1.10},"a":2.0}""", """{"/data/a":"2.0","/data/a~1b/~0":"1.10"}""")]
    [InlineData("1e400", """{"/data":"1e400"}""")]
    public void keeps_every_digit_of_a_number_that_a_double_does_not(string data, string numbers)
    {
        var row = new StoredRow { Data = new StoredValue(Encoding.UTF8.GetBytes(data)) };
        Assert.Contains($"\"numbers\":{numbers}", Canonical(row), StringComparison.Ordinal);
    }

    [Fact]
    public void changes_with_every_column()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { Canonical(Row()) };
        for (var column = 0; column < 14; column++)
        {
            var row = Row();
            var other = new StoredValue("{}"u8);
            switch (column)
            {
                case 0: row.Position++; break;
                case 1: row.Id = Guid.AllBitsSet; break;
                case 2: row.Stream = null; break;
                case 3: row.Version++; break;
                case 4: row.Type = other; break;
                case 5: row.DotNetType = other; break;
                case 6: row.At++; break;
                case 7: row.Data = other; break;
                case 8: row.Binary = other; break;
                case 9: row.Headers = other; break;
                case 10: row.Correlation = other; break;
                case 11: row.Causation = other; break;
                case 12: row.Tenant = other; break;
                default: row.IsArchived = true; break;
            }

            Assert.True(seen.Add(Canonical(row)), $"column {column}");
        }
    }

    private static StoredRow Row() => new()
    {
        Position = 7,
        Id = new Guid("00000000-0000-0000-0000-000000000001"),
        Stream = new Guid("00000000-0000-0000-0000-000000000002"),
        Version = 3,
        Type = new StoredValue("lead-qualified"u8),
        DotNetType = new StoredValue("Crm.Domain.Leads.LeadQualified, Crm.Domain"u8),
        At = (new DateTime(2026, 3, 4, 12, 0, 0, DateTimeKind.Utc) - new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc)).Ticks / 10 + 1,
        Data = new StoredValue("{\"value\": {\"amount\": 1234.50, \"currency\": \"EUR\"}, \"score\": 80}"u8),
        Headers = new StoredValue("{\"recordedAt\": \"2026-03-04T12:00:00.000002Z\", \"actor\": \"ann\"}"u8),
        Correlation = new StoredValue("request-1"u8),
        Causation = new StoredValue("c-1"u8),
        Tenant = new StoredValue("*DEFAULT*"u8),
        IsArchived = false,
    };

    private static string Canonical(in StoredRow row) => Encoding.UTF8.GetString(new EventLeaf().Canonical(row));
}
