using Crm.Application.Import;

namespace Crm.Application.Tests.Import;

public sealed class Reading_a_map
{
    private static readonly string[] Header = ["lead", "what", "at"];

    [Theory]
    [InlineData("nonsense", "$")]
    [InlineData("[]", "$")]
    [InlineData("{}", "$")]
    [InlineData("""{"lead": "lead", "surprise": 1}""", "$.surprise")]
    [InlineData("""{"lead": "lead", "time": {"column": "when"}, "rules": []}""", "$.time.column")]
    [InlineData("""{"lead": "lead", "time": {"column": "at", "zone": "Mars/Olympus"}, "rules": []}""", "$.time.zone")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": []}""", "$.rules")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "promoted"}]}""", "$.rules[0].event")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "qualified"}, {"event": "note"}]}""", "$.rules[1]")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "qualified", "kind": "call"}]}""", "$.rules[0].kind")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "qualified", "when": {"who": "x"}}]}""", "$.rules[0].when.who")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "qualified", "when": {"what": {"like": "x"}}}]}""", "$.rules[0].when.what.like")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "qualified", "when": {"any": [{"what": 7}]}}]}""", "$.rules[0].when.any[0].what")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "activity", "kind": "fax", "direction": "out"}]}""", "$.rules[0].kind")]
    [InlineData("""{"lead": "who", "time": {"column": "at"}, "rules": [{"event": "qualified"}]}""", "$.lead")]
    [InlineData("""{"lead": "lead", "time": {"column": "at"}, "rules": [{"event": "captured", "details": {"value": {"column": "what", "currency": "euro"}}}]}""", "$.rules[0].details.value.currency")]
    public void names_the_place_of_what_is_wrong(string map, string path) =>
        Assert.Equal(path, Assert.Throws<ImportMapException>(() => HistoryMap.Read(map, Header, "source")).Path);

    [Theory]
    [InlineData("bpic2012.json", "case_id,reg_date,amount_req,activity,lifecycle,resource,timestamp", 9)]
    [InlineData("olist-deals.json", "mql_id,sdr_id,sr_id,won_date", 3)]
    public void takes_the_maps_of_the_repository(string name, string header, int rules) =>
        Assert.Equal(rules, HistoryMap.Read(Maps.Read(name), header.Split(',')).Rules.Count);

    [Theory]
    [InlineData(null, null, "2024-03-31T01:30:00.123456Z", "2024-03-31T01:30:00.1234560+00:00")]
    [InlineData(null, null, "2024-03-31 03:30:00", "2024-03-31T03:30:00.0000000+00:00")]
    [InlineData(null, null, "2024-03-31T03:30:00.5+02:00", "2024-03-31T01:30:00.5000000+00:00")]
    [InlineData(null, "Europe/Berlin", "2024-03-31 03:30:00", "2024-03-31T01:30:00.0000000+00:00")]
    [InlineData(null, "Europe/Berlin", "2024-03-31 02:30:00", null)]
    [InlineData("dd.MM.yyyy HH:mm", "Europe/Berlin", "24.12.2024 18:00", "2024-12-24T17:00:00.0000000+00:00")]
    [InlineData("dd.MM.yyyy HH:mm", null, "2024-12-24 18:00", null)]
    [InlineData(null, null, "24/12/2024", null)]
    public void reads_times_in_their_zone(string? format, string? zone, string text, string? expected)
    {
        var parts = new[]
        {
            "\"column\": \"at\"",
            format is null ? null : $"\"format\": \"{format}\"",
            zone is null ? null : $"\"zone\": \"{zone}\"",
        };
        var read = MapValues.Time(MapNode.Parse($"{{{string.Join(", ", parts.OfType<string>())}}}"), ["at"]);
        var row = new RowValues([text]);

        var time = read(row);

        Assert.Equal(expected, row.Fault is null ? time.ToString("O") : null);
    }
}
