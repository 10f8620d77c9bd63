namespace Crm.Application.Tests.Import;

/// <summary>The maps that come with the repository.</summary>
internal static class Maps
{
    public static string Read(string name)
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var file = Path.Combine(at.FullName, "docs", "imports", name);
            if (File.Exists(file))
            {
                return File.ReadAllText(file);
            }
        }

        throw new FileNotFoundException($"docs/imports/{name} is not there.");
    }
}
