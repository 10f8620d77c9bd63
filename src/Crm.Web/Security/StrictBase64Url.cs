using System.Buffers;
using System.Buffers.Text;

namespace Crm.Web.Security;

/// <summary>
/// Base64url as RFC 7515 wants it: no padding, no white space, no stray bits. The framework's decoder forgives all three,
/// which would let one token be written in many ways.
/// </summary>
public static class StrictBase64Url
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private static readonly SearchValues<char> Letters = SearchValues.Create(Alphabet);

    /// <summary>Writes bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Reads bytes; false for anything that <see cref="Encode"/> would not have written.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 4 == 1 || text.ContainsAnyExcept(Letters))
        {
            return false;
        }

        // The last letter of an incomplete group has bits that belong to no byte; they must be zero.
        var strayBits = (text.Length % 4) switch
        {
            2 => 0b1111,
            3 => 0b11,
            _ => 0,
        };
        if (strayBits != 0 && (Alphabet.IndexOf(text[^1], StringComparison.Ordinal) & strayBits) != 0)
        {
            return false;
        }

        bytes = Base64Url.DecodeFromChars(text);
        return true;
    }
}
