using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Crm.Web.Hosting;

/// <summary>
/// Writes each log entry as exactly one line. Line breaks, control characters and characters that turn the direction of text are
/// written as escapes, so that nothing a client sends can look like an entry of ours, or move a terminal's cursor.
/// </summary>
internal sealed class OneLineConsole(TimeProvider? clock = null) : ConsoleFormatter(FormatterName)
{
    /// <summary>The formatter's name in the settings.</summary>
    public const string FormatterName = "one-line";

    private readonly TimeProvider clock = clock ?? TimeProvider.System;

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var line = new StringBuilder(200);
        line.Append(clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))
            .Append(' ').Append(LevelOf(logEntry.LogLevel)).Append(' ');
        Escape(line, logEntry.Category);
        line.Append(": ");
        Escape(line, logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } fault)
        {
            line.Append(' ');
            Escape(line, fault.ToString());
        }

        textWriter.Write(line.Append('\n'));
    }

    /// <summary>Adds a text with everything that could forge a line written as an escape.</summary>
    internal static void Escape(StringBuilder line, string? text)
    {
        foreach (var letter in text ?? "")
        {
            if (letter is '\n')
            {
                line.Append("\\n");
            }
            else if (letter is '\r')
            {
                line.Append("\\r");
            }
            else if (IsUnsafe(letter))
            {
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            }
            else
            {
                line.Append(letter);
            }
        }
    }

    private static bool IsUnsafe(char letter) => char.GetUnicodeCategory(letter) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static string LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        LogLevel.Critical or LogLevel.None => "crit",
        _ => throw new ArgumentOutOfRangeException(nameof(level), level, "No such level."),
    };
}
