using System.IO.Compression;
using System.Security.Cryptography;

namespace Crm.EventStore.Archives;

/// <summary>What a file of an archive is, as the manifest knows it.</summary>
/// <param name="Name">Its name below the archive's folder.</param>
/// <param name="Bytes">Its length as it lies.</param>
/// <param name="Sha256">SHA-256 of the file as it lies, in hexadecimal.</param>
/// <param name="ContentSha256">SHA-256 of what it holds, decrypted and decompressed.</param>
public sealed record ArchiveFile(string Name, long Bytes, string Sha256, string ContentSha256);

/// <summary>
/// Writes one file of an archive: compressed, encrypted when there is a key, under a temporary name until it is whole and on disk.
/// Works on the calling thread: what it does is computing, and writing to the page cache.
/// </summary>
internal sealed class ArchiveFileWriter : IDisposable
{
    private const UnixFileMode Ours = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string path;
    private readonly string name;
    private readonly FileStream file;
    private readonly HashedStream hashed;
    private readonly SealingStream? sealing;
    private readonly GZipStream gzip;
    private readonly IncrementalHash content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Begins a file.</summary>
    /// <param name="folder">The folder that the name is below of; made when it is not there.</param>
    /// <param name="name">The file's name; what encrypts it is bound to it.</param>
    /// <param name="key">The key; null: not encrypted.</param>
    public ArchiveFileWriter(string folder, string name, ArchiveKey? key)
    {
        this.name = name;
        path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder);
        File.Delete(path + ArchiveFolder.Unfinished);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 256 * 1024,
            UnixCreateMode = Ours,
        };
        file = new FileStream(path + ArchiveFolder.Unfinished, options);
        hashed = new HashedStream(file);
        sealing = key is null ? null : new SealingStream(hashed, key, name);
        gzip = new GZipStream(sealing ?? (Stream)hashed, CompressionLevel.Fastest, leaveOpen: true);
    }

    /// <summary>Adds to the file.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        content.AppendData(bytes);
        gzip.Write(bytes);
    }

    /// <summary>Ends the file: it is on disk, and has its name.</summary>
    public ArchiveFile End()
    {
        gzip.Dispose();
        sealing?.Finish();
        file.Flush(flushToDisk: true);
        file.Dispose();
        File.Move(path + ArchiveFolder.Unfinished, path, overwrite: true);
        return new ArchiveFile(name, hashed.Count, hashed.Sha256(), Convert.ToHexStringLower(content.GetCurrentHash()));
    }

    /// <summary>Lets go of it; a file that was not ended keeps its temporary name.</summary>
    public void Dispose()
    {
        gzip.Dispose();
        sealing?.Dispose();
        file.Dispose();
        hashed.Dispose();
        content.Dispose();
    }
}

/// <summary>Reads one file of an archive, and checks it against what the manifest says of it.</summary>
internal sealed class ArchiveFileReader : IDisposable
{
    private readonly ArchiveFile known;
    private readonly FileStream file;
    private readonly HashedStream hashed;
    private readonly OpeningStream? opening;
    private readonly GZipStream gzip;
    private readonly IncrementalHash content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Opens a file.</summary>
    /// <exception cref="ArchiveDamagedException">It is not there, or has another length.</exception>
    public ArchiveFileReader(string folder, ArchiveFile known, ArchiveKey? key)
    {
        this.known = known;
        file = Open(folder, known);
        try
        {
            hashed = new HashedStream(file);
            opening = key is null ? null : new OpeningStream(hashed, file.Length, key, known.Name);
            gzip = new GZipStream(opening ?? (Stream)hashed, CompressionMode.Decompress);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads on; 0 at the end.</summary>
    /// <exception cref="ArchiveDamagedException">It cannot be read.</exception>
    public int Read(Span<byte> buffer)
    {
        try
        {
            var read = gzip.Read(buffer);
            content.AppendData(buffer[..read]);
            return read;
        }
        catch (InvalidDataException broken)
        {
            throw new ArchiveDamagedException(known.Name, $"it cannot be decompressed ({broken.Message})");
        }
    }

    /// <summary>Checks, after the last byte was read, that it was the file that the manifest means.</summary>
    /// <exception cref="ArchiveDamagedException">It is another.</exception>
    public void Check()
    {
        Span<byte> rest = stackalloc byte[4096];
        while (hashed.Read(rest) > 0)
        {
        }

        if (hashed.Sha256() != known.Sha256)
        {
            throw new ArchiveDamagedException(known.Name, "its SHA-256 is not the manifest's");
        }

        if (Convert.ToHexStringLower(content.GetCurrentHash()) != known.ContentSha256)
        {
            throw new ArchiveDamagedException(known.Name, "the SHA-256 of its content is not the manifest's");
        }
    }

    /// <summary>Checks a file as it lies: that it is there, as long as it should be, and hashes to what the manifest says.</summary>
    /// <exception cref="ArchiveDamagedException">It is not.</exception>
    public static async Task CheckAsItLies(string folder, ArchiveFile known, CancellationToken ct)
    {
        await using var file = Open(folder, known);
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct)) != known.Sha256)
        {
            throw new ArchiveDamagedException(known.Name, "its SHA-256 is not the manifest's");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        gzip.Dispose();
        opening?.Dispose();
        hashed.Dispose();
        file.Dispose();
        content.Dispose();
    }

    private static FileStream Open(string folder, ArchiveFile known)
    {
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(folder, known.Name), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 256 * 1024);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ArchiveDamagedException(known.Name, "it is not there");
        }

        if (file.Length != known.Bytes)
        {
            var words = FormattableString.Invariant($"it has {file.Length} bytes and not {known.Bytes}");
            file.Dispose();
            throw new ArchiveDamagedException(known.Name, words);
        }

        return file;
    }
}
