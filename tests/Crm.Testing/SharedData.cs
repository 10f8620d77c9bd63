using Xunit;

namespace Crm.Testing;

/// <summary>
/// Real data that lies beside the repository, in <c>../shared/data</c>, and never in it. Tests over it are left out where it is not.
/// </summary>
public static class SharedData
{
    /// <summary>The reason that a test over it gives when it is left out.</summary>
    public const string NotThere = "../shared/data is not there";

    /// <summary>The folder; null where it is not there.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>The path of one of its files or folders; the test is left out where the folder is not there.</summary>
    public static string Path(params string[] parts)
    {
        if (Folder is null)
        {
            Assert.Skip(NotThere);
        }

        return System.IO.Path.Combine([Folder, .. parts]);
    }

    private static string? Find()
    {
        // A work tree of the repository lies elsewhere: the setting names the folder then.
        string?[] places =
        [
            System.IO.Path.Combine(Repository.Root, "..", "shared", "data"),
            Environment.GetEnvironmentVariable("CRM_SHARED_DATA"),
        ];
        return places.OfType<string>().Where(Directory.Exists).Select(System.IO.Path.GetFullPath).FirstOrDefault();
    }
}
