using System.Text.RegularExpressions;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>A stream that a projection could not apply further: its later events queue behind the one that failed.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="Position">The event that failed.</param>
/// <param name="Error">Why; quotes no value of the event.</param>
public sealed partial record ParkedStream(Guid StreamId, long Position, string Error)
{
    /// <summary>
    /// Why something could not be applied, without a value: what stands in quotes in a message may be somebody's name. What the log says of
    /// an event that it cannot read quotes none.
    /// </summary>
    internal static string Because(Exception fault) => fault switch
    {
        LogCorruptException corrupt => $"{nameof(LogCorruptException)}: {corrupt.Message}",
        PostgresException refused =>
            $"{refused.SqlState}: {WithoutQuotes(refused.MessageText)}"
            + (refused.ConstraintName is { } name ? $" (constraint {name})" : refused.ColumnName is { } column ? $" (column {column})" : ""),
        ArgumentException argument => $"{fault.GetType().Name}: {argument.ParamName}",
        _ => $"{fault.GetType().Name}: {WithoutQuotes(fault.Message)}",
    };

    /// <summary>The streams of a list.</summary>
    internal static HashSet<Guid> Ids(IEnumerable<ParkedStream> parked) => [.. parked.Select(static stream => stream.StreamId)];

    /// <summary>Takes what became of a batch into the list of what is parked.</summary>
    internal static void Take(List<ParkedStream> parked, Applied applied)
    {
        if (applied.Rewritten is { Count: > 0 } rewritten)
        {
            parked.RemoveAll(stream => rewritten.Contains(stream.StreamId));
        }

        parked.AddRange(applied.Parked);
    }

    private static string WithoutQuotes(string message) => Quoted().Replace(message, "…");

    [GeneratedRegex("""["'“«‘].*["'”»’]""", RegexOptions.Singleline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Quoted();
}

/// <summary>What became of a batch of events.</summary>
/// <param name="Parked">The streams that had to be parked now.</param>
/// <param name="Rewritten">The streams that were folded anew: what was parked of them before no longer is, unless it is parked again.</param>
internal readonly record struct Applied(IReadOnlyList<ParkedStream> Parked, IReadOnlyCollection<Guid> Rewritten);
