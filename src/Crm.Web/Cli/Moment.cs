using System.CommandLine;
using System.CommandLine.Parsing;
using Crm.Web.Http;

namespace Crm.Web.Cli;

/// <summary>Options of verbs that take a time.</summary>
internal static class Moment
{
    /// <summary>The time that was given; null where none was, or one that cannot be read, which the option itself says.</summary>
    public static DateTimeOffset? Of(CommandResult result, Option<DateTimeOffset?> option) =>
        result.GetResult(option)?.Tokens is [var token] && WireFormats.TryTime(token.Value, out var time) ? time : null;

    /// <summary>An option that takes a time as RFC 3339 writes it, with its offset; null where it is left out.</summary>
    public static Option<DateTimeOffset?> Option(string name, string description, bool required = false) => new(name)
    {
        Description = description,
        Required = required,
        CustomParser = parsed =>
        {
            var text = parsed.Tokens is [var token] ? token.Value : "";
            if (WireFormats.TryTime(text, out var time))
            {
                return time;
            }

            parsed.AddError($"{name} {text} is not a time such as 2026-11-20T20:00:00Z.");
            return null;
        },
    };
}
