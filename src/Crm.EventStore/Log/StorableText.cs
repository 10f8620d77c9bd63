namespace Crm.EventStore.Log;

/// <summary>Finds the text that PostgreSQL cannot hold, so that it fails its own command and never a batch.</summary>
internal static class StorableText
{
    /// <summary>Refuses a NUL character and half a surrogate pair.</summary>
    public static void Check(string? text, string what)
    {
        if (text is null)
        {
            return;
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"The {what} holds a NUL character, which cannot be stored.");
        }

        var at = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        for (; at >= 0 && at < text.Length; at++)
        {
            if (char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
            {
                at++;
            }
            else if (char.IsSurrogate(text[at]))
            {
                throw new ArgumentException($"The {what} holds half a surrogate pair, which cannot be stored.");
            }
        }
    }

    /// <summary>Refuses JSON with an escaped NUL or an escaped half of a surrogate pair.</summary>
    public static void CheckJson(ReadOnlySpan<byte> json, string what)
    {
        var high = false; // the last escape was the first half of a pair, and nothing has come since
        while (true)
        {
            var at = json.IndexOf((byte)'\\');
            if (at < 0 || at + 1 >= json.Length)
            {
                break;
            }

            var isUnit = json[at + 1] == (byte)'u';
            var unit = isUnit ? Unit(json[(at + 2)..]) : 0x20;
            var isLow = unit is >= 0xDC00 and <= 0xDFFF;
            if (high != isLow || (high && at != 0))
            {
                throw new ArgumentException($"The {what} holds half a surrogate pair, which cannot be stored.");
            }

            if (unit == 0)
            {
                throw new ArgumentException($"The {what} holds a NUL character, which cannot be stored.");
            }

            high = unit is >= 0xD800 and <= 0xDBFF;
            json = json[(at + (isUnit ? 6 : 2))..];
        }

        if (high)
        {
            throw new ArgumentException($"The {what} holds half a surrogate pair, which cannot be stored.");
        }
    }

    private static int Unit(ReadOnlySpan<byte> digits) =>
        digits.Length >= 4 && System.Buffers.Text.Utf8Parser.TryParse(digits[..4], out ushort unit, out var used, 'X') && used == 4
            ? unit
            : throw new ArgumentException("The event is written as JSON with an incomplete escape.");
}
