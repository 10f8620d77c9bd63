using System.Globalization;

namespace Crm.EventStore.Audit;

/// <summary>
/// A JSON number as ECMAScript writes the double that it stands for (ECMA-262, Number::toString), which is what RFC 8785, section
/// 3.2.2.3, takes as its canonical form.
/// </summary>
internal static class EcmaNumber
{
    /// <summary>The longest that such a number can be.</summary>
    public const int MostBytes = 32;

    // So many digits are exact in a double whatever they are.
    private const int ExactDigits = 15;

    private const int PlainUpTo = 21;
    private const int PlainDownTo = -6;

    /// <summary>Writes a number; false when no double is as large.</summary>
    /// <param name="json">A number as JSON has it.</param>
    /// <param name="to">Takes the canonical form; at least <see cref="MostBytes"/>.</param>
    /// <param name="written">How long that is.</param>
    public static bool TryWrite(ReadOnlySpan<byte> json, Span<byte> to, out int written)
    {
        if (json.Length <= ExactDigits && json.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
        {
            json.CopyTo(to);
            written = json.Length;
            return true;
        }

        written = 0;
        if (!double.TryParse(json, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            return false;
        }

        if (value == 0)
        {
            to[0] = (byte)'0';
            written = 1;
            return true;
        }

        if (value < 0)
        {
            to[0] = (byte)'-';
            written = 1;
        }

        Span<byte> digits = stackalloc byte[MostBytes];
        var (count, point) = Digits(Math.Abs(value), digits);
        written += Write(digits[..count], point, to[written..]);
        return true;
    }

    /// <summary>
    /// The fewest digits that only this double has, without zeros at either end; the decimal point stands after so many of them.
    /// </summary>
    private static (int Count, int Point) Digits(double value, Span<byte> digits)
    {
        // Without a format .NET writes the shortest digits that come back as the same double.
        Span<byte> text = stackalloc byte[MostBytes];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        text = text[..length];
        var exponent = 0;
        if (text.IndexOf((byte)'E') is >= 0 and var at)
        {
            exponent = int.Parse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..at];
        }

        var (count, point, isAfterPoint) = (0, 0, false);
        foreach (var each in text)
        {
            if (each == '.')
            {
                isAfterPoint = true;
                continue;
            }

            if (count == 0 && each == '0')
            {
                point -= isAfterPoint ? 1 : 0;
                continue;
            }

            digits[count++] = each;
            point += isAfterPoint ? 0 : 1;
        }

        while (digits[count - 1] == '0')
        {
            count--;
        }

        return (count, point + exponent);
    }

    private static int Write(ReadOnlySpan<byte> digits, int point, Span<byte> to)
    {
        if (point is > 0 and <= PlainUpTo)
        {
            if (digits.Length <= point)
            {
                digits.CopyTo(to);
                to[digits.Length..point].Fill((byte)'0');
                return point;
            }

            digits[..point].CopyTo(to);
            to[point] = (byte)'.';
            digits[point..].CopyTo(to[(point + 1)..]);
            return digits.Length + 1;
        }

        if (point is > PlainDownTo and <= 0)
        {
            "0."u8.CopyTo(to);
            to[2..(2 - point)].Fill((byte)'0');
            digits.CopyTo(to[(2 - point)..]);
            return 2 - point + digits.Length;
        }

        to[0] = digits[0];
        var length = 1;
        if (digits.Length > 1)
        {
            to[1] = (byte)'.';
            digits[1..].CopyTo(to[2..]);
            length = digits.Length + 1;
        }

        to[length++] = (byte)'e';
        to[length++] = point > 0 ? (byte)'+' : (byte)'-';
        Math.Abs(point - 1).TryFormat(to[length..], out var exponent, default, CultureInfo.InvariantCulture);
        return length + exponent;
    }
}
