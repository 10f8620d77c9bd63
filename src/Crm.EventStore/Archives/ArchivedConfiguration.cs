namespace Crm.EventStore.Archives;

/// <summary>
/// Files of configuration that an archive carries along. They hold passwords, so they go into an encrypted archive alone, and are written
/// whole each time that they are named; a run that names none leaves those that are there.
/// </summary>
public static class ArchivedConfiguration
{
    /// <summary>The folder, below the archive's.</summary>
    internal const string Folder = "config";

    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes them, each back to a file of the same name.</summary>
    /// <param name="folder">The archive.</param>
    /// <param name="key">Its key.</param>
    /// <param name="into">The folder that they are written to; made where it is not there.</param>
    /// <param name="ct">Stops it.</param>
    /// <returns>The files.</returns>
    /// <exception cref="ArchiveRefusedException">It holds none, the key is another, or a file of such a name is there already.</exception>
    /// <exception cref="ArchiveDamagedException">One of them is damaged.</exception>
    public static async Task<IReadOnlyList<string>> Restore(ArchiveFolder folder, ArchiveKey? key, string into, CancellationToken ct)
    {
        var files = (await folder.Read(key, ct)).Configuration ?? [];
        if (files.Count == 0)
        {
            throw new ArchiveRefusedException($"{folder.Root} holds no configuration: it was archived without --with-config.");
        }

        Directory.CreateDirectory(into, OursAlone | UnixFileMode.UserExecute);
        var written = new List<string>();
        foreach (var file in files)
        {
            var path = Path.Combine(Path.GetFullPath(into), Path.GetFileName(file.Name));
            if (File.Exists(path))
            {
                throw new ArchiveRefusedException($"{path} is there already.");
            }

            var content = Open(folder, file, key);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OursAlone };
            await using var target = new FileStream(path, options);
            await target.WriteAsync(content, ct);
            written.Add(path);
        }

        return written;
    }

    /// <summary>Refuses files that cannot be archived, before anything is.</summary>
    /// <exception cref="ArchiveRefusedException">One is not there, two have the same name, or the archive is not encrypted.</exception>
    internal static void Demand(IReadOnlyList<string> files, ArchiveKey? key)
    {
        if (files.Count > 0 && key is null)
        {
            throw new ArchiveRefusedException("Configuration holds passwords: it is archived with --encrypt-key alone.");
        }

        if (files.FirstOrDefault(static file => !File.Exists(file)) is { } missing)
        {
            throw new ArchiveRefusedException($"There is no file {missing}.");
        }

        if (files.GroupBy(Path.GetFileName, StringComparer.Ordinal).FirstOrDefault(static name => name.Count() > 1) is { } twice)
        {
            throw new ArchiveRefusedException($"Two files are named {twice.Key}: an archive has room for one.");
        }
    }

    /// <summary>Writes files into the archive.</summary>
    internal static async Task<IReadOnlyList<ArchivedFile>> Write(
        IReadOnlyList<string> files, ArchiveFolder folder, ArchiveKey? key, CancellationToken ct)
    {
        Demand(files, key);
        var written = new List<ArchivedFile>();
        foreach (var file in files)
        {
            // A new name each time: until the manifest says so, the file before is the one that counts.
            var name = Path.GetFileName(file);
            using var archived = new ArchiveFileWriter(folder.Root, $"{Folder}/{Guid.NewGuid():N}-{name}.gz.enc", key);
            archived.Write(await File.ReadAllBytesAsync(file, ct));
            written.Add(new ArchivedFile(name, archived.End()));
        }

        return written;
    }

    /// <summary>What of it is damaged.</summary>
    internal static IEnumerable<ArchiveDamage> Check(ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key)
    {
        var damages = new List<ArchiveDamage>();
        foreach (var file in manifest.Configuration ?? [])
        {
            try
            {
                Open(folder, file, key);
            }
            catch (ArchiveDamagedException broken)
            {
                damages.AddRange(broken.Damages);
            }
        }

        return damages;
    }

    private static byte[] Open(ArchiveFolder folder, ArchivedFile file, ArchiveKey? key)
    {
        using var reader = new ArchiveFileReader(folder.Root, file.File, key);
        using var content = new MemoryStream();
        Span<byte> some = stackalloc byte[4096];
        for (int read; (read = reader.Read(some)) > 0;)
        {
            content.Write(some[..read]);
        }

        reader.Check();
        return content.ToArray();
    }
}
