using System.Net;
using System.Text;

namespace Crm.Domain;

/// <summary>The form of e-mail addresses.</summary>
public static class EmailAddress
{
    private const string AtextMarks = "!#$%&'*+-/=?^_`{|}~";

    /// <summary>
    /// Whether a text is a mailbox that SMTP can deliver to (RFC 5321, with the letters of RFC 6531): a dotted or quoted local part of at
    /// most 64 octets, <c>@</c>, then a domain or an address literal, 254 octets in all. Comments and folding white space are not part of
    /// an address and are refused.
    /// </summary>
    public static bool IsValid(string? address)
    {
        if (address is null || address.Length > 254 || !IsWellFormed(address) || Encoding.UTF8.GetByteCount(address) > 254)
        {
            return false;
        }

        // A quoted local part may hold an @; no domain can.
        var at = address.LastIndexOf('@');
        return at > 0 && IsLocalPart(address[..at]) && (IsDomain(address[(at + 1)..]) || IsAddressLiteral(address[(at + 1)..]));
    }

    private static bool IsWellFormed(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar || Rune.IsControl(rune))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsLocalPart(string local) =>
        Encoding.UTF8.GetByteCount(local) <= 64 && (IsQuoted(local) || local.Split('.').All(atom => atom is not [] && atom.All(IsAtext)));

    private static bool IsQuoted(string local)
    {
        if (local is not ['"', .., '"'])
        {
            return false;
        }

        for (var i = 1; i < local.Length - 1; i++)
        {
            // RFC 6531 lets other letters stand in quotes, but not behind a backslash.
            if (local[i] == '"' || (local[i] == '\\' && (++i == local.Length - 1 || !char.IsAscii(local[i]))))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsDomain(string domain) =>
        Encoding.UTF8.GetByteCount(domain) is > 0 and <= 253 && domain.Split('.').All(IsLabel);

    private static bool IsLabel(string label) =>
        Encoding.UTF8.GetByteCount(label) is > 0 and <= 63
        && label[0] != '-' && label[^1] != '-'
        && label.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-' || IsInternational(letter));

    private static bool IsAddressLiteral(string domain) => domain is ['[', .. var inner, ']']
        && (inner.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? IsIPv6(inner[5..]) : IsIPv4(inner));

    private static bool IsIPv4(string address) => address.Split('.') is { Length: 4 } octets
        && octets.All(octet => octet is { Length: > 0 and <= 3 } && octet.All(char.IsAsciiDigit) && int.Parse(octet, null) <= 255);

    private static bool IsIPv6(string address) =>
        address.Contains(':', StringComparison.Ordinal)
        && address.All(letter => char.IsAsciiHexDigit(letter) || letter is ':' or '.')
        && IPAddress.TryParse(address, out _);

    private static bool IsAtext(char letter) =>
        char.IsAsciiLetterOrDigit(letter) || AtextMarks.Contains(letter, StringComparison.Ordinal) || IsInternational(letter);

    private static bool IsInternational(char letter) => letter > '\u007F' && !char.IsWhiteSpace(letter);
}
