namespace Crm.Architecture.Tests;

public class The_page_of_events
{
    [Fact]
    public async Task says_what_the_code_says()
    {
        var page = Repository.Path("docs", "events.md");
        var fresh = EventDocument.Write();
        if (Environment.GetEnvironmentVariable("CRM_UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(page, fresh, TestContext.Current.CancellationToken);
        }

        Assert.True(File.Exists(page), "docs/events.md is missing; CRM_UPDATE_DOCS=1 writes it.");
        Assert.Equal(fresh, await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken));
    }
}
