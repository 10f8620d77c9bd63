using System.Globalization;
using Crm.Domain;

namespace Crm.Application.Import;

/// <summary>A row while its values are read: the first value that cannot be read is why the row is rejected.</summary>
internal sealed class RowValues(string[] fields)
{
    /// <summary>Why the row is rejected; null while nothing speaks against it.</summary>
    public string? Fault { get; private set; }

    /// <summary>A field as it stands; null when it is empty.</summary>
    public string? this[int column] => fields[column] is { Length: > 0 } text ? text : null;

    /// <summary>Rejects the row.</summary>
    public void Reject(string why) => Fault ??= why;
}

/// <summary>Reads the parts of a map that say where a value comes from, bound to the file's columns.</summary>
internal static class MapValues
{
    private static readonly string[] IsoForms =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd",
    ];

    /// <summary>A text: <c>{"column": "name"}</c>, or <c>{"text": "always this"}</c>.</summary>
    public static Func<RowValues, string?> Text(MapNode node, IReadOnlyList<string> header)
    {
        node.Object("column", "text");
        if (node.Optional("text") is { } literal)
        {
            if (node.Optional("column") is { } both)
            {
                throw both.Wrong("either a column or a text, not both");
            }

            var always = literal.Text();
            return _ => always;
        }

        var column = node.Required("column").Column(header);
        return row => row[column]?.Trim() is { Length: > 0 } text ? text : null;
    }

    /// <summary>A text that a longer one than this is rejected for; null where the map says nothing of it.</summary>
    public static Func<RowValues, string?> Text(MapNode? node, IReadOnlyList<string> header, string name, int longest)
    {
        if (node is not { } given)
        {
            return static _ => null;
        }

        var read = Text(given, header);
        return row =>
        {
            var text = read(row);
            if (text?.Length > longest)
            {
                row.Reject($"{name} is longer than {longest} characters");
            }

            return text;
        };
    }

    /// <summary>Money: <c>{"column": "amount", "currency": "EUR"}</c>; an empty field is no value.</summary>
    public static Func<RowValues, Money?> Money(MapNode node, IReadOnlyList<string> header)
    {
        node.Object("column", "currency");
        var column = node.Required("column").Column(header);
        var name = header[column];
        var currency = node.Required("currency").Text();
        if (currency.Length != 3 || !currency.All(char.IsAsciiLetterUpper))
        {
            throw node.Required("currency").Wrong("a currency is three capital letters, such as EUR");
        }

        return row => row[column] is { } text ? MoneyOf(row, text, currency, name) : null;
    }

    /// <summary>A whole number that is not negative.</summary>
    public static Func<RowValues, int?> Number(MapNode? node, IReadOnlyList<string> header)
    {
        if (node is not { } given)
        {
            return static _ => null;
        }

        given.Object("column");
        var column = given.Required("column").Column(header);
        var name = header[column];
        return row =>
        {
            if (row[column] is not { } text)
            {
                return null;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return number;
            }

            row.Reject($"{name} is not a whole number: {Shown(text)}");
            return null;
        };
    }

    /// <summary>
    /// A time: <c>{"column": "at", "format": "dd.MM.yyyy HH:mm", "zone": "Europe/Berlin"}</c>. Without a format ISO 8601 is read;
    /// the zone (UTC unless said) counts where the time itself names no offset.
    /// </summary>
    public static Func<RowValues, DateTimeOffset> Time(MapNode node, IReadOnlyList<string> header)
    {
        node.Object("column", "format", "zone");
        var column = node.Required("column").Column(header);
        var name = header[column];
        var forms = node.Optional("format") is { } format ? FormOf(format) : IsoForms;
        var zone = node.Optional("zone") is { } named ? ZoneOf(named) : TimeZoneInfo.Utc;
        return row =>
        {
            if (row[column]?.Trim() is not { Length: > 0 } text)
            {
                row.Reject($"{name} is empty: the row has no time");
                return default;
            }

            if (TimeOf(text, forms, zone) is { } time)
            {
                return time;
            }

            row.Reject($"{name} is not a time: {Shown(text)}");
            return default;
        };
    }

    private static string[] FormOf(MapNode format)
    {
        var form = format.Text();
        if (form.Length == 0)
        {
            throw format.Wrong("a format such as dd.MM.yyyy HH:mm is expected here");
        }

        return [form];
    }

    private static TimeZoneInfo ZoneOf(MapNode named) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(named.Text(), out var zone) ? zone : throw named.Wrong("there is no such time zone");

    private static DateTimeOffset? TimeOf(string text, string[] forms, TimeZoneInfo zone)
    {
        // Parsed as a date and time first: only its kind says whether the text itself named an offset.
        if (!DateTime.TryParseExact(text, forms, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var parsed))
        {
            return null;
        }

        if (parsed.Kind == DateTimeKind.Unspecified)
        {
            return zone.IsInvalidTime(parsed) ? null : Micros(new DateTimeOffset(parsed, zone.GetUtcOffset(parsed)));
        }

        return DateTimeOffset.TryParseExact(text, forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var exact)
            ? Micros(exact)
            : null;
    }

    // The log keeps microseconds.
    private static DateTimeOffset Micros(DateTimeOffset time)
    {
        var utc = time.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    private static Money? MoneyOf(RowValues row, string text, string currency, string name)
    {
        const NumberStyles Plain = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign
            | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;
        if (!decimal.TryParse(text, Plain, CultureInfo.InvariantCulture, out var amount))
        {
            row.Reject($"{name} is not a number: {Shown(text)}");
            return null;
        }

        if (amount is < 0 or > 1_000_000_000_000m || decimal.Round(amount, 4) != amount)
        {
            row.Reject($"{name} is not an amount of money: {Shown(text)}");
            return null;
        }

        return new Money(amount, currency);
    }

    private static string Shown(string text) => text.Length <= 40 ? text : $"{text[..40]}…";
}
