using System.Text.Json;

namespace Crm.EventStore.Archives;

/// <summary>The folder of an archive: the manifest, the segments below <c>log</c>, and the rows beside the log in a folder of their own.</summary>
/// <param name="Root">The archive's folder.</param>
/// <param name="Keys">The folder of the rows beside the log: below the archive's, or elsewhere.</param>
public sealed record ArchiveFolder(string Root, string Keys)
{
    /// <summary>The manifest's name.</summary>
    public const string Manifest = "manifest.json";

    /// <summary>What a file's name ends with until it is whole.</summary>
    internal const string Unfinished = ".part";

    private const string UnfinishedRun = "unfinished.json";
    private const string Lock = ".lock";

    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>An archive's folder.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="keys">The folder of the rows beside the log; null: <c>keys</c> below it.</param>
    public static ArchiveFolder At(string root, string? keys) =>
        new(Path.GetFullPath(root), Path.GetFullPath(keys ?? Path.Combine(root, "keys")));

    /// <summary>Makes the folders, which only their owner may enter, and keeps other backups out until the answer is let go.</summary>
    /// <exception cref="ArchiveRefusedException">Another backup writes to it.</exception>
    internal FileStream Enter()
    {
        foreach (var folder in new[] { Root, Keys })
        {
            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder, OursAlone | UnixFileMode.UserExecute);
            }
        }

        try
        {
            return new FileStream(Path.Combine(Root, Lock), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(Path.Combine(Root, Lock)))
        {
            throw new ArchiveRefusedException($"Another backup writes to {Root}.");
        }
    }

    /// <summary>The archive's manifest; null when there is none yet.</summary>
    /// <exception cref="ArchiveDamagedException">It was changed since it was written.</exception>
    /// <exception cref="ArchiveRefusedException">The key is missing, or another one.</exception>
    public async Task<ArchiveManifest?> Find(ArchiveKey? key, CancellationToken ct)
    {
        var file = Path.Combine(Root, Manifest);
        return File.Exists(file) ? ManifestText.Read(await File.ReadAllBytesAsync(file, ct), key, Manifest) : null;
    }

    /// <summary>The archive's manifest.</summary>
    /// <exception cref="ArchiveRefusedException">There is none: no archive is here, or its first backup was never finished.</exception>
    /// <exception cref="ArchiveDamagedException">It was changed since it was written.</exception>
    public async Task<ArchiveManifest> Read(ArchiveKey? key, CancellationToken ct) => await Find(key, ct)
        ?? throw new ArchiveRefusedException(
            $"There is no {Manifest} in {Root}: no archive is here, or its first backup was interrupted and must be run again.");

    /// <summary>Writes the manifest: the archive is from now on what it says.</summary>
    internal void Write(ArchiveManifest manifest, ArchiveKey? key) => Replace(Manifest, ManifestText.Of(manifest, key));

    /// <summary>The segments that an interrupted run has finished.</summary>
    internal async Task<UnfinishedRun?> FindUnfinished(CancellationToken ct)
    {
        var file = Path.Combine(Root, UnfinishedRun);
        try
        {
            return File.Exists(file)
                ? JsonSerializer.Deserialize(await File.ReadAllBytesAsync(file, ct), ArchiveJson.Default.UnfinishedRun)
                : null;
        }
        catch (JsonException)
        {
            // What an interrupted run has left is only a saving: without it, its segments are written once more.
            return null;
        }
    }

    /// <summary>Keeps what a run has finished so far.</summary>
    internal void WriteUnfinished(UnfinishedRun run) =>
        Replace(UnfinishedRun, JsonSerializer.SerializeToUtf8Bytes(run, ArchiveJson.Default.UnfinishedRun));

    /// <summary>Removes what no manifest names: leftovers of interrupted runs, and the rows beside the log of the run before.</summary>
    internal void Clear(ArchiveManifest manifest)
    {
        File.Delete(Path.Combine(Root, UnfinishedRun));
        var named = manifest.Segments.Select(segment => Path.Combine(Root, segment.File.Name))
            .Append(Path.Combine(Keys, manifest.Secrets.File.Name))
            .ToHashSet(StringComparer.Ordinal);
        var log = Path.Combine(Root, "log");
        string[] found =
        [
            .. Directory.Exists(log) ? Directory.GetFiles(log, "*.ndjson.gz*") : [],
            .. Directory.GetFiles(Keys, $"{ArchiveSecretRows.FilePrefix}*.ndjson.gz*"),
        ];
        foreach (var file in found.Where(file => !named.Contains(file)))
        {
            File.Delete(file);
        }
    }

    private void Replace(string name, byte[] content)
    {
        var draft = Path.Combine(Root, name + Unfinished);
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OursAlone };
        using (var file = new FileStream(draft, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, Path.Combine(Root, name), overwrite: true);
    }
}
