namespace Crm.Domain;

/// <summary>The form of telephone numbers.</summary>
public static class PhoneNumber
{
    private const string Marks = "+()-./ ";

    /// <summary>
    /// Whether a text looks like a telephone number: 3 to 20 digits (E.164 has 15 at most; extensions and prefixes come on top) with the
    /// marks between them, and perhaps <c>x</c> or <c>ext</c> before an extension. Numbers are kept as they were given; this is for whoever
    /// looks for those that cannot be dialled.
    /// </summary>
    public static bool IsPlausible(string text)
    {
        var digits = text.Count(char.IsAsciiDigit);
        var rest = text.Replace("ext", "", StringComparison.OrdinalIgnoreCase).Replace("x", "", StringComparison.OrdinalIgnoreCase);
        return digits is >= 3 and <= 20
            && rest.All(static letter => char.IsAsciiDigit(letter) || Marks.Contains(letter, StringComparison.Ordinal));
    }
}
