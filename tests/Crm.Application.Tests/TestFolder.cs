namespace Crm.Application.Tests;

/// <summary>A folder of one test's own, which is removed with it.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("crm-import-").FullName;

    public string Path(string name) => System.IO.Path.Combine(root, name);

    public string Write(string name, string content)
    {
        File.WriteAllText(Path(name), content);
        return Path(name);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);
}
