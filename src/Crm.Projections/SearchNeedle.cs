using System.Text;

namespace Crm.Projections;

/// <summary>What a search looks for, made of what somebody typed.</summary>
internal static class SearchNeedle
{
    /// <summary>
    /// The LIKE pattern of a search, its wildcards escaped. Without three letters or digits in a row no trigram inside a word is known,
    /// but the one that begins a word is: the search then looks at beginnings of words, which the index finds too.
    /// </summary>
    public static string Pattern(string q)
    {
        var escaped = Of(q).Replace(@"\", @"\\", StringComparison.Ordinal)
            .Replace("%", @"\%", StringComparison.Ordinal)
            .Replace("_", @"\_", StringComparison.Ordinal);
        return $"%{escaped}%";
    }

    /// <summary>What must stand in a lead's text, as it is: the search's own text, after a blank where it must begin a word.</summary>
    public static string Of(string q)
    {
        var text = SearchText.Folded(q);
        var run = 0;
        var longest = 0;
        var any = false;
        foreach (var rune in text.EnumerateRunes())
        {
            run = Rune.IsLetterOrDigit(rune) ? run + 1 : 0;
            longest = Math.Max(longest, run);
            any |= run > 0;
        }

        return any && longest < 3 && !char.IsWhiteSpace(text[0]) ? $" {text}" : text;
    }
}
