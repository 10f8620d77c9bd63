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

    private const string UsualKeys = "keys";
    private const string KeyFiles = $"{ArchiveSecretRows.FilePrefix}*.ndjson.gz*";
    private const string UnfinishedRun = "unfinished.json";
    private const string Lock = ".lock";

    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>An archive's folder.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="keys">The folder of the rows beside the log; null: <c>keys</c> below it.</param>
    public static ArchiveFolder At(string root, string? keys) =>
        new(Path.GetFullPath(root), Path.GetFullPath(keys ?? Path.Combine(root, UsualKeys)));

    /// <summary>The folder of keys as the manifest names it: below the archive's, or a whole path.</summary>
    internal string KeysName =>
        Keys.StartsWith(Root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? Path.GetRelativePath(Root, Keys) : Keys;

    /// <summary>Makes the folder, which only its owner may enter, and keeps other backups out until the answer is let go.</summary>
    /// <exception cref="ArchiveRefusedException">Another backup writes to it.</exception>
    internal FileStream Enter()
    {
        Make(Root);
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = OursAlone,
            };
            return new FileStream(Path.Combine(Root, Lock), options);
        }
        catch (IOException) when (File.Exists(Path.Combine(Root, Lock)))
        {
            throw new ArchiveRefusedException($"Another backup writes to {Root}.");
        }
    }

    /// <summary>
    /// Makes the folder of keys, unless the rows beside the log lie in another one since the last run: the file there would be left behind
    /// for good, with the wrapped keys of whoever is erased from now on.
    /// </summary>
    /// <exception cref="ArchiveRefusedException">They do.</exception>
    internal void MakeKeys(ArchiveManifest? before)
    {
        if (before is not null && PlaceOf(before.Secrets) is var place && place != Keys
            && File.Exists(Path.Combine(place, before.Secrets.File.Name)))
        {
            throw new ArchiveRefusedException(
                $"The archive's rows beside the log are in {place}, and {Keys} is another folder: the keys in the old file would outlive "
                + $"an erasure. Go on with --keys-to {place}, or move {before.Secrets.File.Name} into {Keys} first.");
        }

        Make(Keys);
    }

    /// <summary>
    /// Files of rows beside the log in the archive's folder, or in that of its keys, that the manifest does not name. Elsewhere they may
    /// be another archive's.
    /// </summary>
    internal IReadOnlyList<string> OrphanedKeys(ArchiveManifest manifest) =>
    [
        .. new[] { Keys, Path.Combine(Root, UsualKeys) }.Distinct(StringComparer.Ordinal)
            .Where(Directory.Exists)
            .SelectMany(static place => Directory.GetFiles(place, KeyFiles))
            .Where(file => Path.GetFileName(file) != manifest.Secrets.File.Name)
            .Order(StringComparer.Ordinal),
    ];

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

    /// <summary>
    /// Removes what no manifest names: leftovers of interrupted runs, the rows beside the log of the run before, and configuration that
    /// was replaced.
    /// </summary>
    internal void Clear(ArchiveManifest manifest)
    {
        File.Delete(Path.Combine(Root, UnfinishedRun));
        var named = manifest.Segments.Select(segment => Path.Combine(Root, segment.File.Name))
            .Append(Path.Combine(Keys, manifest.Secrets.File.Name))
            .Concat((manifest.Configuration ?? []).Select(file => Path.Combine(Root, file.File.Name)))
            .ToHashSet(StringComparer.Ordinal);
        var (log, configuration) = (Path.Combine(Root, "log"), Path.Combine(Root, ArchivedConfiguration.Folder));
        string[] found =
        [
            .. Directory.Exists(log) ? Directory.GetFiles(log, "*.ndjson.gz*") : [],
            .. Directory.GetFiles(Keys, KeyFiles),
            .. manifest.Configuration is not null && Directory.Exists(configuration) ? Directory.GetFiles(configuration) : [],
        ];
        foreach (var file in found.Where(file => !named.Contains(file)))
        {
            File.Delete(file);
        }
    }

    /// <summary>Where the rows beside the log were put; an older manifest does not say, and the usual folder is looked at.</summary>
    private string PlaceOf(ArchiveSecrets secrets) => Path.GetFullPath(secrets.Folder ?? UsualKeys, Root);

    private static void Make(string folder)
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, OursAlone | UnixFileMode.UserExecute);
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
