namespace Crm.Testing;

/// <summary>Where the repository is, for tests that read its own files.</summary>
public static class Repository
{
    /// <summary>
    /// The folder of <c>EventCrm.sln</c>: above the tests' programs, or named by <c>CRM_REPOSITORY</c> where they were built elsewhere.
    /// </summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CRM_REPOSITORY") is { Length: > 0 } named)
        {
            return named;
        }

        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "EventCrm.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"No EventCrm.sln above {AppContext.BaseDirectory}.");
    }
}
