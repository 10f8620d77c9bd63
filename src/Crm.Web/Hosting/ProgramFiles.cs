using System.Security.Cryptography;

namespace Crm.Web.Hosting;

/// <summary>A file of the program.</summary>
/// <param name="Path">Where it lies in the program's folder.</param>
/// <param name="Status"><c>unchanged</c>, <c>changed</c>, <c>missing</c> or <c>added</c>.</param>
/// <param name="Listed">Its SHA-256 when the program was built; null where it was not there.</param>
/// <param name="Found">Its SHA-256 now; null where it is not there.</param>
internal sealed record ProgramFile(string Path, string Status, string? Listed, string? Found);

/// <summary>The program's files against the list that was written when it was built.</summary>
/// <param name="Folder">The program's folder.</param>
/// <param name="ListSha256">
/// The list's own SHA-256: to be compared with one that is kept elsewhere, since who changes files can change the list.
/// </param>
/// <param name="IsIntact">Whether nothing is changed, missing or added.</param>
/// <param name="Files">Each file, in the order of their paths.</param>
internal sealed record ProgramFiles(string Folder, string ListSha256, bool IsIntact, IReadOnlyList<ProgramFile> Files)
{
    /// <summary>The list: a line for each file, its SHA-256 and its path, as <c>sha256sum</c> writes and checks it.</summary>
    public const string List = "crm.files.sha256";

    /// <summary>Looks at a folder; null where there is no list in it.</summary>
    /// <exception cref="IOException">A file cannot be read, or the list is none.</exception>
    public static async Task<ProgramFiles?> Look(string folder, CancellationToken ct)
    {
        var list = Path.Combine(folder, List);
        if (!File.Exists(list))
        {
            return null;
        }

        var content = await File.ReadAllBytesAsync(list, ct);
        var listed = Read(System.Text.Encoding.UTF8.GetString(content));
        var there = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(static path => path != List);
        var files = new List<ProgramFile>();
        foreach (var path in listed.Keys.Union(there, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var before = listed.GetValueOrDefault(path);
            var now = await Hash(Path.Combine(folder, path), ct);
            var status = before is null ? "added" : now is null ? "missing" : now == before ? "unchanged" : "changed";
            files.Add(new ProgramFile(path, status, before, now));
        }

        return new ProgramFiles(
            folder, Convert.ToHexStringLower(SHA256.HashData(content)), files.TrueForAll(static file => file.Status == "unchanged"), files);
    }

    private static Dictionary<string, string> Read(string list)
    {
        var listed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in list.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line.Split("  ", 2) is not [{ Length: SHA256.HashSizeInBytes * 2 } hash, { Length: > 0 } path])
            {
                throw new IOException($"{List} is no list of files: {line}");
            }

            listed[path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path] = hash.ToLowerInvariant();
        }

        return listed;
    }

    private static async Task<string?> Hash(string file, CancellationToken ct)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        await using var content = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, ct));
    }
}
