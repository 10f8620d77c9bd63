using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Crm.EventStore.Archives;

/// <summary>
/// A manifest as it is written: JSON whose member <c>digest</c> seals the page. It is taken over the page with that member empty: SHA-256,
/// or, of an encrypted archive, an HMAC that only the holder of the key can make.
/// </summary>
internal static class ManifestText
{
    /// <summary>The page of a manifest.</summary>
    public static byte[] Of(ArchiveManifest manifest, ArchiveKey? key)
    {
        var open = JsonSerializer.SerializeToUtf8Bytes(manifest with { Digest = "" }, ArchiveJson.Default.ArchiveManifest);
        return [.. JsonSerializer.SerializeToUtf8Bytes(manifest with { Digest = DigestOf(open, key) }, ArchiveJson.Default.ArchiveManifest), (byte)'\n'];
    }

    /// <summary>Reads a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="key">The key of an encrypted archive; null where there is none.</param>
    /// <param name="file">The page's name, for messages.</param>
    /// <exception cref="ArchiveDamagedException">It was changed since it was written.</exception>
    /// <exception cref="ArchiveRefusedException">
    /// The key is missing, another one, or named though the archive is not encrypted; or the archive is of a later format.
    /// </exception>
    public static ArchiveManifest Read(byte[] page, ArchiveKey? key, string file)
    {
        ArchiveManifest manifest;
        try
        {
            using (var look = JsonDocument.Parse(page))
            {
                if (look.RootElement.GetProperty("format").GetInt32() is var format and not ArchiveManifest.CurrentFormat)
                {
                    throw new ArchiveRefusedException(FormattableString.Invariant(
                        $"{file} is of format {format}; this program knows format {ArchiveManifest.CurrentFormat}."));
                }
            }

            manifest = JsonSerializer.Deserialize(page, ArchiveJson.Default.ArchiveManifest) ?? throw new JsonException("It is null.");
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ArchiveDamagedException(file, $"it is no manifest ({broken.Message})");
        }

        if (manifest.Encryption is { } encryption)
        {
            Fits(encryption, key);
        }

        // A page that says that it is not encrypted must be whole as such, whatever key was named.
        var sealedWith = manifest.Encryption is null ? null : key;
        var text = Encoding.UTF8.GetString(page).TrimEnd('\n');
        var member = $"\"digest\": \"{manifest.Digest}\"";
        var open = text.Replace(member, "\"digest\": \"\"", StringComparison.Ordinal);
        if (manifest.Digest.Length == 0 || DigestOf(Encoding.UTF8.GetBytes(open), sealedWith) != manifest.Digest)
        {
            throw new ArchiveDamagedException(file, "it was changed since it was written: its digest is another");
        }

        if (manifest.Encryption is null && key is not null)
        {
            throw new ArchiveRefusedException(
                "The archive is not encrypted, and a key was named. If it should be encrypted, it is not the archive that you made; "
                + "else leave the key out, and encrypt into a folder of its own.");
        }

        return manifest;
    }

    /// <summary>Whether a key is the one that an archive is encrypted with.</summary>
    /// <exception cref="ArchiveRefusedException">It is missing, or another.</exception>
    public static void Fits(ArchiveEncryption encryption, ArchiveKey? key)
    {
        if (key is null)
        {
            throw new ArchiveRefusedException($"The archive is encrypted (key {encryption.KeyId}): name the file with the key.");
        }

        if (encryption.Scheme != ArchiveEncryption.Current || encryption.KeyId != key.Id)
        {
            throw new ArchiveRefusedException($"The archive is encrypted with the key {encryption.KeyId}; this is the key {key.Id}.");
        }
    }

    private static string DigestOf(ReadOnlySpan<byte> page, ArchiveKey? key) =>
        key is null ? Convert.ToHexStringLower(SHA256.HashData(page)) : key.Sign(page);
}
