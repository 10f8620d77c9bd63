using System.Globalization;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>A lead while rows are read: how it stands, and how far this source's rows have been taken.</summary>
internal sealed class KnownLead(Guid streamId)
{
    /// <summary>The lead's stream.</summary>
    public Guid StreamId => streamId;

    /// <summary>The version of the stream in the log, or as it will be after the rows that are under way.</summary>
    public long Version { get; private set; }

    /// <summary>How the lead stands.</summary>
    public Lead Lead { get; private set; } = Lead.Initial;

    /// <summary>The greatest time of its events.</summary>
    public DateTimeOffset LastAt { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>The last of this source's rows that the log holds for this lead; 0 before any.</summary>
    public long LastRow { get; private set; }

    /// <summary>The last event of that row.</summary>
    public int LastStep { get; private set; }

    /// <summary>Whether the log holds what this row of the source brought, or a later row.</summary>
    public bool HasTaken(long row, int step) => row < LastRow || (row == LastRow && step <= LastStep);

    /// <summary>Takes an event of the log, or one that is about to be appended.</summary>
    public void Take(LeadEvent happened, DateTimeOffset at)
    {
        Lead = Lead.Evolve(Lead, happened);
        Version++;
        LastAt = at > LastAt ? at : LastAt;
    }

    /// <summary>Takes the lead's history from the log.</summary>
    public void Take(IEnumerable<RecordedEvent> history, string source)
    {
        foreach (var recorded in history)
        {
            Take((LeadEvent)recorded.Data, recorded.At);
            if (SourceRow.Parse(recorded.Envelope.CausationId, source) is { } row)
            {
                (LastRow, LastStep) = (row.Number, row.Step);
            }
        }
    }
}

/// <summary>
/// Which row of which source an event came from, as it stands in the event's causation id. It makes an import repeatable on its own,
/// whatever became of the bookmark: rows up to a lead's last one are in the log already.
/// </summary>
/// <param name="Number">The row: 1 is the first after the header.</param>
/// <param name="Step">Which event of the row: 0 is an implicit capture, from 1 on the map's rules.</param>
internal readonly record struct SourceRow(long Number, int Step)
{
    /// <summary>As it is stored: <c>import:bpic2012:17:1</c>.</summary>
    public string Store(string source) => string.Create(CultureInfo.InvariantCulture, $"import:{source}:{Number}:{Step}");

    /// <summary>Reads what was stored; null for an event that came from elsewhere.</summary>
    public static SourceRow? Parse(string? causation, string source)
    {
        var text = causation.AsSpan();
        const string Prefix = "import:";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || !text[Prefix.Length..].StartsWith(source, StringComparison.Ordinal))
        {
            return null;
        }

        text = text[(Prefix.Length + source.Length)..];
        var split = text.LastIndexOf(':');
        return split > 0 && text[0] == ':'
            && long.TryParse(text[1..split], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && int.TryParse(text[(split + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var step)
                ? new SourceRow(number, step)
                : null;
    }
}

/// <summary>
/// The leads that the rows name, loaded many at a time and remembered up to a limit, so that a file of any length takes the same memory.
/// </summary>
internal sealed class KnownLeads(EventLog log, string source, int limit = 20_000)
{
    private readonly Dictionary<string, KnownLead> leads = new(StringComparer.Ordinal);

    /// <summary>A lead that has been loaded.</summary>
    public KnownLead this[string externalId] => leads[externalId];

    /// <summary>Loads the leads that these rows name and that are not at hand.</summary>
    public async Task Load(IEnumerable<string> externalIds, CancellationToken ct)
    {
        var named = externalIds.ToHashSet(StringComparer.Ordinal);
        if (leads.Count + named.Count > limit)
        {
            leads.Clear();
        }

        string[] missing = [.. named.Where(id => !leads.ContainsKey(id))];
        if (missing.Length == 0)
        {
            return;
        }

        // A lead that gave its external id up, as an erased one has, still stands in the stream that this source began for it.
        var holders = await log.FindHolders(LeadStream.ExternalIdScope, missing, ct);
        Guid IdOf(string id) => holders.TryGetValue(id, out var holder) ? holder : DerivedId.Of("lead", source, id);
        var found = missing.Select(IdOf).Distinct().ToDictionary(static id => id, static id => new KnownLead(id));
        foreach (var history in (await log.ReadStreams([.. found.Keys], ct)).GroupBy(static recorded => recorded.StreamId))
        {
            found[history.Key].Take(history, source);
        }

        foreach (var id in missing)
        {
            leads[id] = found[IdOf(id)];
        }
    }

    /// <summary>Forgets all: what was expected of the log did not come true.</summary>
    public void Forget() => leads.Clear();
}
