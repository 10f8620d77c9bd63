using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Crm.Projections;

/// <summary>Where a page ended: the last row's sort key and id, bound to the query by its fingerprint. Opaque to clients.</summary>
/// <param name="Key">The sort key, in a culture-free text form.</param>
/// <param name="Id">What tells rows with the same key apart.</param>
internal sealed record Cursor(string Key, string Id)
{
    private const int FingerprintLength = 8;

    /// <summary>The cursor as clients carry it.</summary>
    public string Write(byte[] fingerprint) =>
        Base64Url.EncodeToString([.. fingerprint, .. Encoding.UTF8.GetBytes(Id), (byte)'\n', .. Encoding.UTF8.GetBytes(Key)]);

    /// <summary>Reads a client's cursor.</summary>
    /// <exception cref="BadCursorException">It is none, or of another query.</exception>
    public static Cursor Read(string cursor, byte[] fingerprint)
    {
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(cursor);
        }
        catch (FormatException)
        {
            throw new BadCursorException("This is no cursor.");
        }

        var end = bytes.Length <= FingerprintLength ? -1 : Array.IndexOf(bytes, (byte)'\n', FingerprintLength);
        if (end < 0 || bytes.AsSpan(FingerprintLength).Contains((byte)0))
        {
            throw new BadCursorException("This is no cursor.");
        }

        if (!CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, FingerprintLength), fingerprint))
        {
            throw new BadCursorException("The cursor belongs to a list with other filters, another order or another moment.");
        }

        return new Cursor(
            Encoding.UTF8.GetString(bytes.AsSpan(end + 1)),
            Encoding.UTF8.GetString(bytes.AsSpan(FingerprintLength, end - FingerprintLength)));
    }

    /// <summary>Reads a part of the cursor that must be of a form; a cursor that a client made up is refused.</summary>
    public static T Parse<T>(string text)
        where T : IParsable<T> =>
        T.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : throw new BadCursorException("This is no cursor.");
}
