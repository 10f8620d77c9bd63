namespace Crm.Architecture.Tests;

/// <summary>The repository's own files, read by the tests that judge them.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    /// <summary>The source files of a project, without what the build makes.</summary>
    public static IEnumerable<string> SourcesOf(string project) =>
        Directory.EnumerateFiles(Path("src", project), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(at.FullName, "EventCrm.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("The tests must run from within the repository: EventCrm.sln is in no folder above them.");
    }
}
