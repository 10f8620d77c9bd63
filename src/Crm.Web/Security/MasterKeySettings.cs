using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;

namespace Crm.Web.Security;

/// <summary>
/// Where the master keys come from: the operator, or, in Development, a file that it makes beside its data. One key, or several while one
/// is being replaced: the first seals, all of them open. A file is read anew when it has changed.
/// </summary>
public static class MasterKeySettings
{
    /// <summary>The setting that holds the key: 32 bytes in base64; further keys, which only open, after blanks.</summary>
    public const string Setting = "CRM_MASTER_KEY";

    /// <summary>The setting that names a file with the key; further keys, which only open, on further lines.</summary>
    public const string FileSetting = "CRM_MASTER_KEY_FILE";

    /// <summary>The line by which a file says that Development made it; Production refuses such a key.</summary>
    public const string DevelopmentMark = "# made by Development, not for Production";

    /// <summary>The keys of the settings; in Development, where they name none, those in <c>CRM_DATA_DIR</c>, made where none are.</summary>
    /// <exception cref="SettingMissingException">There are none, or they cannot be used.</exception>
    public static MasterKeys Load(IConfiguration settings, bool isProduction)
    {
        if (settings[Setting] is { Length: > 0 } given)
        {
            var keys = Read(given, Setting, isProduction);
            return MasterKeys.Of(keys[0], [.. keys.Skip(1)]);
        }

        return OfFile(FileOf(settings, isProduction), isProduction);
    }

    /// <summary>Whether the settings name a key.</summary>
    public static bool IsGiven(IConfiguration settings) => settings[Setting] is { Length: > 0 } || settings[FileSetting] is { Length: > 0 };

    /// <summary>The file that holds the keys; null where a setting holds them itself.</summary>
    /// <exception cref="SettingMissingException">There is none, and Production makes none.</exception>
    public static string? FileOf(IConfiguration settings) => settings[Setting] is { Length: > 0 }
        ? null
        : settings[FileSetting] is { Length: > 0 } named ? named : DevelopmentFile(settings);

    /// <summary>The keys of a file, the one that seals first.</summary>
    /// <exception cref="SettingMissingException">It cannot be read, or holds no key.</exception>
    public static IReadOnlyList<MasterKey> ReadFile(string file, bool isProduction) => Read(TextOf(file), file, isProduction);

    /// <summary>Puts a key in front of those of a file, which is replaced as a whole: it seals from now on, the others still open.</summary>
    /// <exception cref="SettingMissingException">The file cannot be replaced.</exception>
    public static void PutInFront(string file, string key)
    {
        var lines = TextOf(file).TrimEnd().Split('\n').ToList();
        var first = lines.FindIndex(static line => !line.TrimStart().StartsWith('#'));
        lines.Insert(Math.Max(first, 0), key);
        var draft = $"{file}.{Guid.NewGuid():N}";
        try
        {
            WriteNew(draft, string.Join('\n', lines) + "\n");
            File.SetUnixFileMode(draft, File.GetUnixFileMode(file));
            File.Move(draft, file, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new SettingMissingException(
                $"The master key cannot be replaced: {fault.Message} Put the new key in front of the others yourself.");
        }
    }

    /// <summary>The key that stands first in a text, as it is written there; null when there is none.</summary>
    public static string? FirstKey(string text) => text.Split('\n').Where(static line => !line.TrimStart().StartsWith('#'))
        .SelectMany(static line => line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault();

    /// <summary>A new key as it stands in a file.</summary>
    public static string NewText() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(MasterKey.Length));

    private static MasterKeys OfFile(string file, bool isProduction)
    {
        var read = File.Exists(file) ? File.GetLastWriteTimeUtc(file) : default;
        return MasterKeys.That(ReadFile(file, isProduction), Changed, TimeProvider.System);

        IReadOnlyList<MasterKey>? Changed()
        {
            try
            {
                var written = File.GetLastWriteTimeUtc(file);
                if (written == read)
                {
                    return null;
                }

                var keys = ReadFile(file, isProduction);
                read = written;
                return keys;
            }
            catch (Exception fault) when (fault is SettingMissingException or IOException or UnauthorizedAccessException)
            {
                // What is known stays in use: a file that is being replaced, or spoilt, must not stop a host that runs.
                return null;
            }
        }
    }

    private static string FileOf(IConfiguration settings, bool isProduction)
    {
        if (settings[FileSetting] is { Length: > 0 } named)
        {
            return named;
        }

        if (isProduction)
        {
            throw new SettingMissingException(
                $"{FileSetting} is not set. In Production the host makes no master key of its own: write 32 random bytes in base64 to a "
                + "file that only the host can read (openssl rand -base64 32), the same for every host, and keep a copy: without it, what it "
                + "sealed is lost.");
        }

        var file = DevelopmentFile(settings);
        if (!File.Exists(file))
        {
            Make(Path.GetDirectoryName(file) ?? ".", file);
        }

        return file;
    }

    private static string DevelopmentFile(IConfiguration settings) => Path.Combine(
        Path.GetFullPath(settings["CRM_DATA_DIR"] is { Length: > 0 } asked ? asked : ".data"), "master.key");

    private static List<MasterKey> Read(string text, string where, bool isProduction)
    {
        if (isProduction && text.Contains(DevelopmentMark, StringComparison.Ordinal))
        {
            throw new SettingMissingException($"{where} holds a master key that Development made. Production needs one of its own.");
        }

        List<MasterKey> keys =
        [
            .. text.Split('\n').Where(static line => !line.TrimStart().StartsWith('#'))
                .SelectMany(static line => line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries))
                .Select(written => Key(written, where, isProduction)),
        ];
        return keys.Count > 0 ? keys : throw NoKey(where);
    }

    private static MasterKey Key(string written, string where, bool isProduction)
    {
        Span<byte> bytes = stackalloc byte[MasterKey.Length];
        if (!Convert.TryFromBase64String(written, bytes, out var length) || length != MasterKey.Length)
        {
            throw NoKey(where);
        }

        return bytes.IndexOfAnyExcept(bytes[0]) < 0
            ? throw new SettingMissingException($"{where} holds one byte {MasterKey.Length} times: that is no key.")
            : MasterKey.Of(bytes, isProduction);
    }

    private static SettingMissingException NoKey(string where) =>
        new($"{where} holds no master key: it takes {MasterKey.Length} bytes in base64 (openssl rand -base64 32).");

    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new SettingMissingException($"The master key cannot be read: {fault.Message}");
        }
    }

    // Hosts that start together must end with one key: whoever puts the file in place first wins, whole or not at all.
    private static void Make(string folder, string file)
    {
        Directory.CreateDirectory(folder);
        var draft = Path.Combine(folder, $"master.key.{Guid.NewGuid():N}");
        WriteNew(draft, $"{DevelopmentMark}\n{NewText()}\n");
        try
        {
            File.Move(draft, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(draft);
        }
    }

    /// <summary>Writes a file of secrets that is not there yet, for its owner alone, durably.</summary>
    internal static void WriteNew(string file, string text)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using var stream = new FileStream(file, options);
        stream.Write(Encoding.ASCII.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }
}
