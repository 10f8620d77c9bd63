using System.Security.Cryptography;
using System.Text;
using Crm.Web.Hosting;

namespace Crm.Web.Security;

/// <summary>
/// The key that seals the secrets which the database keeps, such as private keys: AES-256-GCM, so that whoever reads the database or
/// a backup of it, and not the key, has nothing. Every host of a database needs the same one. It comes from the operator; Development
/// makes one beside its data.
/// </summary>
public sealed class MasterKey
{
    /// <summary>The setting that holds the key: 32 bytes in base64.</summary>
    public const string Setting = "CRM_MASTER_KEY";

    /// <summary>The setting that names a file with the key.</summary>
    public const string FileSetting = "CRM_MASTER_KEY_FILE";

    /// <summary>The line by which a file says that Development made it; Production refuses such a key.</summary>
    public const string DevelopmentMark = "# made by Development, not for Production";

    private const byte Version = 1;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Overhead = 1 + NonceBytes + TagBytes;

    private readonly byte[] key;

    private MasterKey(byte[] key, bool isProduction) => (this.key, IsProduction) = (key, isProduction);

    /// <summary>Whether it seals what Production uses: that trusts nothing which Development has made.</summary>
    public bool IsProduction { get; }

    /// <summary>A key of these 32 bytes.</summary>
    /// <exception cref="ArgumentException">They are not 32.</exception>
    public static MasterKey Of(ReadOnlySpan<byte> bytes, bool isProduction = false) => bytes.Length == KeyBytes
        ? new MasterKey(bytes.ToArray(), isProduction)
        : throw new ArgumentException($"A master key has {KeyBytes} bytes.", nameof(bytes));

    /// <summary>The key of the settings; in Development, where they name none, the one in <c>CRM_DATA_DIR</c>, made when it is not there.</summary>
    /// <exception cref="SettingMissingException">There is none, or it cannot be used.</exception>
    public static MasterKey Load(IConfiguration settings, bool isProduction)
    {
        if (settings[Setting] is { Length: > 0 } given)
        {
            return Read(given, Setting, isProduction);
        }

        if (settings[FileSetting] is { Length: > 0 } named)
        {
            return Read(TextOf(named), named, isProduction);
        }

        if (isProduction)
        {
            throw new SettingMissingException(
                $"{FileSetting} is not set. In Production the host makes no master key of its own: write 32 random bytes in base64 to a file "
                + "that only the host can read (openssl rand -base64 32), the same for every host, and keep a copy: without it, what it sealed is lost.");
        }

        var folder = Path.GetFullPath(settings["CRM_DATA_DIR"] is { Length: > 0 } asked ? asked : ".data");
        var file = Path.Combine(folder, "master.key");
        if (!File.Exists(file))
        {
            Make(folder, file);
        }

        return Read(TextOf(file), file, isProduction);
    }

    /// <summary>Seals a secret for one place, such as <c>signing_keys/kid</c>: in another place it does not open.</summary>
    public byte[] Seal(string place, ReadOnlySpan<byte> secret)
    {
        var box = new byte[Overhead + secret.Length];
        box[0] = Version;
        var nonce = box.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(key, TagBytes);
        cipher.Encrypt(
            nonce, secret, box.AsSpan(1 + NonceBytes, secret.Length), box.AsSpan(box.Length - TagBytes), Encoding.UTF8.GetBytes(place));
        return box;
    }

    /// <summary>Opens what <see cref="Seal"/> made for this place.</summary>
    /// <exception cref="SealBrokenException">It was sealed with another master key, for another place, or was changed since.</exception>
    public byte[] Open(string place, ReadOnlySpan<byte> box)
    {
        if (box.Length < Overhead || box[0] != Version)
        {
            throw new SealBrokenException(place);
        }

        var secret = new byte[box.Length - Overhead];
        using var cipher = new AesGcm(key, TagBytes);
        try
        {
            cipher.Decrypt(
                box.Slice(1, NonceBytes), box.Slice(1 + NonceBytes, secret.Length), box[^TagBytes..], secret, Encoding.UTF8.GetBytes(place));
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new SealBrokenException(place);
        }
    }

    /// <summary>Keeps the key out of whatever prints it.</summary>
    public override string ToString() => nameof(MasterKey);

    private static MasterKey Read(string text, string where, bool isProduction)
    {
        if (isProduction && text.Contains(DevelopmentMark, StringComparison.Ordinal))
        {
            throw new SettingMissingException($"{where} holds a master key that Development made. Production needs one of its own.");
        }

        var written = string.Concat(text.Split('\n').Select(static line => line.Trim()).Where(static line => !line.StartsWith('#')));
        Span<byte> bytes = stackalloc byte[KeyBytes];
        if (!Convert.TryFromBase64String(written, bytes, out var length) || length != KeyBytes)
        {
            throw new SettingMissingException($"{where} holds no master key: it takes {KeyBytes} bytes in base64 (openssl rand -base64 32).");
        }

        if (bytes.IndexOfAnyExcept(bytes[0]) < 0)
        {
            throw new SettingMissingException($"{where} holds one byte {KeyBytes} times: that is no key.");
        }

        return Of(bytes, isProduction);
    }

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
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var stream = new FileStream(draft, options))
        {
            var text = $"{DevelopmentMark}\n{Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))}\n";
            stream.Write(Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(draft, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(draft);
        }
    }
}

/// <summary>What the database keeps sealed does not open with this host's master key.</summary>
/// <param name="place">What it is.</param>
public sealed class SealBrokenException(string place) : Exception(
    $"{place} does not open: it was sealed with another master key or for another place, or it was changed since.");
