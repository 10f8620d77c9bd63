using System.Globalization;
using System.Text;

namespace Crm.Domain.Leads;

/// <summary>
/// What told a person from others: names, companies, e-mail addresses, telephone numbers and external ids, as they ever stood in a lead's
/// history. By it a text is refused that would outlive the person's erasure and still say who it was.
/// </summary>
public sealed class PersonTraces
{
    private const int FewestLetters = 3;
    private const int FewestDigits = 6;

    // The end of a number is the same with and without the prefixes of country and town.
    private const int DigitsCompared = 8;

    private readonly HashSet<string> words = new(StringComparer.Ordinal);
    private readonly HashSet<string> addresses = new(StringComparer.Ordinal);
    private readonly HashSet<string> numbers = new(StringComparer.Ordinal);

    private PersonTraces()
    {
    }

    /// <summary>No traces: for texts that no person has written.</summary>
    public static PersonTraces None { get; } = new();

    /// <summary>The traces in a lead's history.</summary>
    public static PersonTraces Of(IEnumerable<LeadEvent> history)
    {
        var traces = new PersonTraces();
        var lead = Lead.Initial;
        foreach (var happened in history)
        {
            lead = Lead.Evolve(lead, happened);
            traces.Add(lead.Details);
            if (happened is LeadConverted { Customer.Name: { } customer })
            {
                traces.AddWhole(customer);
            }
        }

        return traces;
    }

    /// <summary>Whether a text holds any of them. Names count as whole words, whatever their case.</summary>
    public bool AreIn(string text)
    {
        var folded = Folded(text);
        var digits = DigitsOf(folded);
        return words.Any(word => Stands(word, folded))
            || addresses.Any(address => folded.Contains(address, StringComparison.Ordinal))
            || numbers.Any(number => digits.Contains(number, StringComparison.Ordinal));
    }

    private void Add(LeadDetails details)
    {
        AddWhole(details.Company);
        AddWhole(details.ExternalId);
        AddName(details.FirstName);
        AddName(details.LastName);
        if (details.Email is { Length: >= FewestLetters } address)
        {
            addresses.Add(Folded(address));
        }

        var number = string.Concat((details.Phone ?? "").Where(char.IsAsciiDigit));
        if (number.Length >= FewestDigits)
        {
            numbers.Add(number[^Math.Min(number.Length, DigitsCompared)..]);
        }
    }

    private void AddName(string? name)
    {
        AddWhole(name);
        foreach (var part in (name ?? "").Split([' ', '-', '\u00A0', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            AddWhole(part);
        }
    }

    private void AddWhole(string? text)
    {
        var word = Folded(text ?? "").Trim();
        var letters = word.Count(char.IsLetterOrDigit);
        if (letters >= FewestLetters || (letters == FewestLetters - 1 && word.Any(IsOfUnspacedScript)))
        {
            words.Add(word);
        }
    }

    private static bool Stands(string word, string text)
    {
        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            var end = at + word.Length;
            if (IsEdge(text, at - 1, word[0]) && IsEdge(text, end, word[^1]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsEdge(string text, int beside, char own) =>
        beside < 0 || beside >= text.Length || !char.IsLetterOrDigit(text[beside]) || !char.IsLetterOrDigit(own) || IsOfUnspacedScript(own);

    // Chinese and Japanese, among others, put no space between words.
    private static bool IsOfUnspacedScript(char letter) => char.GetUnicodeCategory(letter) == UnicodeCategory.OtherLetter;

    // What stands between digits of one number does not matter; a letter parts two numbers.
    private static string DigitsOf(string text)
    {
        var digits = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (char.IsAsciiDigit(letter))
            {
                digits.Append(letter);
            }
            else if (char.IsLetter(letter))
            {
                digits.Append('|');
            }
        }

        return digits.ToString();
    }

    private static string Folded(string text) => WellFormed(text).Normalize(NormalizationForm.FormKC).ToLowerInvariant();

    // Half of a pair of surrogates has no normal form; no stored text holds one.
    private static string WellFormed(string text) =>
        text.EnumerateRunes().Aggregate(new StringBuilder(text.Length), static (all, rune) => all.Append(rune)).ToString();
}
