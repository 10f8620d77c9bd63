using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Http;

public class Naughty_strings(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task come_back_byte_for_byte()
    {
        var path = SharedData.Path("naughty-strings", "blns.json");
        var texts = JsonSerializer.Deserialize<string[]>(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)) ?? [];
        Assert.NotEmpty(texts);
        await Return([.. texts.Where(text => text.Length <= 200)]);
    }

    [Fact]
    public Task of_our_own_come_back_byte_for_byte() => Return(
    [
        "", " ", "'; drop table crm.mt_events; --", "\"quoted\" \\ back\\slash", "<script>alert(1)</script>", "${jndi:ldap://x}", "\u200b\ufeff",
        "e\u0301 is not \u00e9", "👩‍👩‍👧‍👦 🇦🇹", "\r\n\t\u0001\u007f", "מִצְוָה", "田中さん", "\ufffe\uffff", "\u2028\u2029", "%00%s%n", "null", "NaN",
    ]);

    private async Task Return(IReadOnlyList<string> texts)
    {
        var agent = await host.As("agent");
        foreach (var text in texts)
        {
            var json = JsonSerializer.Serialize(new { lastName = text, company = text, firstName = "x" });
            var answer = await agent.Post("/leads", json);
            if (text.Contains('\0', StringComparison.Ordinal) || string.IsNullOrWhiteSpace(text))
            {
                // What identifies nobody, or cannot be stored, is refused, and says so.
                answer.IsRefused(422, "invalid");
                continue;
            }

            var lead = (await agent.Get($"/leads/{answer.Is(201).Id}")).Is(200).Body;
            Assert.Equal(text, lead.GetProperty("lastName").GetString());
            Assert.Equal(text, lead.GetProperty("company").GetString());
        }
    }
}
