using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Log;

namespace Crm.Testing;

/// <summary>
/// What a log holds, without when it was recorded, in which position, and how it is sealed: two that took the same history agree.
/// </summary>
public static class LogContent
{
    /// <summary>A digest of it.</summary>
    public static async Task<string> HistoryDigest(this TestDatabase database, EventCatalog catalog, CancellationToken ct)
    {
        await using var log = new EventLog(database.App, catalog, TestKeys.Masters, new LogPosition());
        var lines = new List<string>();
        while (await log.ReadAfter(lines.Count, 1_000, ct) is { Count: > 0 } events)
        {
            lines.AddRange(events.Select(recorded => LineOf(recorded, catalog)));
        }

        lines.Sort(StringComparer.Ordinal);
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
    }

    private static string LineOf(RecordedEvent recorded, EventCatalog catalog) => string.Create(
        CultureInfo.InvariantCulture,
        $"{recorded.StreamId}|{recorded.Version}|{recorded.Id}|{recorded.Type}|{recorded.At:O}|")
        + $"{recorded.Envelope with { CorrelationId = null }}|"
        + Encoding.UTF8.GetString(catalog.Serialize(recorded.Data));
}
