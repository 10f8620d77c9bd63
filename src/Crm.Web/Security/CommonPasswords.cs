using System.Globalization;
using System.Reflection;
using System.Text;

namespace Crm.Web.Security;

/// <summary>
/// Passwords that are guessed first: words of a list of common passwords, alone, repeated, or made longer by a few digits and signs;
/// runs on the keyboard or of the alphabet; one character over and over; and the user's own name or address. Compared folded: case,
/// width and the usual digits for letters make no difference.
/// </summary>
public static class CommonPasswords
{
    // What a guessing program appends and prepends first: a year, a birthday, an exclamation mark.
    private const int FewSigns = 8;
    private const int ShortestOwnWord = 4;

    private static readonly string[] walks =
    [
        "01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop",
        "qsdfghjklm", "wxcvbn", "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "1q2w3e4r5t6y7u8i9o0p", "1a2b3c4d5e6f7g8h9i",
        "qazwsxedcrfvtgbyhnujm",
    ];

    private static readonly HashSet<(char, char)> neighbours = Neighbours();
    private static readonly HashSet<string> words = Load();

    /// <summary>Whether a password is among those that are guessed first.</summary>
    public static bool Contain(string password)
    {
        var folded = Fold(password);
        return words.Contains(folded)
            || IsMonotonous(folded)
            || IsWord(LettersOf(folded), folded)
            || IsWord(LettersOf(Unleet(folded)), folded);
    }

    /// <summary>Whether a password is little more than a word of the user's own, such as the name or the address.</summary>
    public static bool IsOwn(string password, params ReadOnlySpan<string?> own)
    {
        var left = Fold(password);
        var length = left.Length;
        foreach (var text in own)
        {
            foreach (var word in Fold(text ?? "").Split(
                [' ', '@', '.', '-', '_', '+'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                left = word.Length >= ShortestOwnWord ? left.Replace(word, "", StringComparison.Ordinal) : left;
            }
        }

        return left.Length < length && left.Length <= FewSigns;
    }

    private static string Fold(string text) => string.Create(text.Length, text, static (folded, given) =>
    {
        for (var at = 0; at < folded.Length; at++)
        {
            // The wide forms of ASCII stand in the same order, elsewhere.
            folded[at] = char.ToLowerInvariant(given[at] is >= '\uFF01' and <= '\uFF5E' ? (char)(given[at] - 0xFEE0) : given[at]);
        }
    });

    private static string LettersOf(string folded) => string.Concat(folded.Where(char.IsLetter));

    // Digits at either end were appended; those inside stand for letters.
    private static string Unleet(string folded)
    {
        var start = 0;
        var end = folded.Length;
        while (start < end && IsAppended(folded[start]))
        {
            start++;
        }

        while (end > start && IsAppended(folded[end - 1]))
        {
            end--;
        }

        return string.Concat(folded[start..end].Select(static sign => sign switch
        {
            '@' or '4' => 'a',
            '0' => 'o',
            '1' or '!' => 'i',
            '3' => 'e',
            '5' or '$' => 's',
            '7' => 't',
            _ => sign,
        }));
    }

    private static bool IsAppended(char sign) => !char.IsLetter(sign) && sign is not ('@' or '$');

    private static bool IsWord(string letters, string folded) =>
        letters.Length > 0
        && words.Contains(UnitOf(letters))
        && (folded.Length - letters.Length <= FewSigns || IsMonotonous(string.Concat(folded.Where(static sign => !char.IsLetter(sign)))));

    // Few different characters, a short unit over and over, or mostly steps to the key or letter beside.
    private static bool IsMonotonous(string folded)
    {
        if (folded.Distinct().Count() <= 3 || UnitOf(folded) is { Length: <= 6 } unit && unit.Length < folded.Length)
        {
            return true;
        }

        var steps = folded.Zip(folded.Skip(1)).Count(static pair => pair.First == pair.Second || neighbours.Contains(pair));
        return steps >= (folded.Length - 1) * 3 / 4;
    }

    // The shortest part that the text is a repetition of: the text itself when it is none.
    private static string UnitOf(string text)
    {
        for (var length = 1; length <= text.Length / 2; length++)
        {
            if (text.Length % length == 0 && text.AsSpan(length).SequenceEqual(text.AsSpan(0, text.Length - length)))
            {
                return text[..length];
            }
        }

        return text;
    }

    private static HashSet<(char, char)> Neighbours()
    {
        var pairs = new HashSet<(char, char)>();
        foreach (var walk in walks)
        {
            for (var at = 1; at < walk.Length; at++)
            {
                pairs.Add((walk[at - 1], walk[at]));
                pairs.Add((walk[at], walk[at - 1]));
            }
        }

        return pairs;
    }

    private static HashSet<string> Load()
    {
        const string Resource = "Crm.Web.Security.common-passwords.txt";
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{Resource} is not in the assembly."));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var all = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
            {
                all.UnionWith(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return all;
    }
}
