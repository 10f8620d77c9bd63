using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crm.Web.Tests.Hostile;

public class Formulas_in_exports(TestHost host) : IClassFixture<TestHost>
{
    [Theory]
    [InlineData("=HYPERLINK(\"http://evil.example\")")]
    [InlineData("+1+1")]
    [InlineData("-2+3")]
    [InlineData("@SUM(A1)")]
    [InlineData("  =1+1")]
    [InlineData("＝1+1")]
    [InlineData("＋1")]
    [InlineData("－1")]
    [InlineData("＠SUM(A1)")]
    public async Task run_nothing_when_a_spreadsheet_opens_them(string formula)
    {
        var manager = await host.As("manager");
        var source = $"formulas-{Guid.NewGuid():N}";
        var body = new StringBuilder("{").Append(
            CultureInfo.InvariantCulture,
            $"""
            "lastName":{JsonSerializer.Serialize(formula)},"company":{JsonSerializer.Serialize(formula)},"source":"{source}"
            """).Append('}');
        var last = (await manager.Post("/leads", body.ToString())).Is(201).Position;

        var exported = (await manager.GetAfter(last, $"/leads/export?source={source}")).Is(200).Text;

        // Twice: in both columns, with the apostrophe in front.
        var cell = "'" + formula.Replace("\"", "\"\"", StringComparison.Ordinal);
        Assert.Equal(3, exported.Split(cell).Length);
    }
}
