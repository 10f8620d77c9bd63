using Crm.Application.Leads;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>
/// Captures and changes leads by the rules of today, as the commands do: each row is one command, decided on the lead as it stands.
/// </summary>
internal sealed class LeadsPlanner(EventLog log, LeadsMap map, LeadsMode mode, DateTimeOffset now) : IRowPlanner
{
    private const int LongestExternalId = 200;
    private readonly KnownLeads leads = new(log, map.Source);
    private readonly string operation = DerivedId.Of("import", map.Source).ToString();

    /// <inheritdoc/>
    public string Source => map.Source;

    /// <inheritdoc/>
    public Task Load(IReadOnlyList<ImportRow> rows, CancellationToken ct) =>
        leads.Load(rows.Where(static row => row.Fault is null).Select(row => LeadOf(new RowValues(row.Fields))).OfType<string>(), ct);

    /// <inheritdoc/>
    public void Plan(ImportRow row, RowBatch batch)
    {
        if (row.Fault is { } fault)
        {
            batch.Reject(row, fault);
            return;
        }

        var values = new RowValues(row.Fields);
        if (LeadOf(values) is not { Length: <= LongestExternalId } externalId)
        {
            batch.Reject(row, $"the row names no lead, or by an id longer than {LongestExternalId} characters");
            return;
        }

        var details = map.Details(values);
        var at = map.At?.Invoke(values) ?? now;
        if (values.Fault is { } unreadable)
        {
            batch.Reject(row, unreadable);
            return;
        }

        Decide(row, leads[externalId], details, at, batch);
    }

    /// <inheritdoc/>
    public void Complete(RowBatch batch)
    {
        // The leads' events are all there is.
    }

    /// <inheritdoc/>
    public void Forget() => leads.Forget();

    private string? LeadOf(RowValues row) => row[map.ExternalId]?.Trim() is { Length: > 0 } id ? id : null;

    private void Decide(ImportRow row, KnownLead known, LeadDetails details, DateTimeOffset at, RowBatch batch)
    {
        if (known.Lead.IsErased)
        {
            batch.Reject(row, $"{LeadRefusals.Erased.Code}: {LeadRefusals.Erased.Because}");
            return;
        }

        var exists = known.Lead.Status != LeadStatus.Missing;
        switch (mode, exists)
        {
            case (LeadsMode.Create, true):
                batch.Tally.AlreadyThere++;
                break;
            case (LeadsMode.Update, false):
                batch.Reject(row, $"there is no lead with the external id {details.ExternalId}");
                break;
            case (LeadsMode.Create or LeadsMode.Both, false):
                if (at > now)
                {
                    batch.Reject(row, "the time of capture lies in the future");
                }
                else
                {
                    Record(row, known, new CaptureLead(details, Owner: null).Decide(known.Lead), at, batch);
                }

                break;
            case (LeadsMode.Update or LeadsMode.Both, true):
                Record(row, known, ChangeTo(details).Decide(known.Lead), now, batch);
                break;
        }
    }

    // An empty field says nothing: it does not take away what is known.
    private static ChangeLead ChangeTo(LeadDetails details) => new()
    {
        FirstName = Given(details.FirstName),
        LastName = Given(details.LastName),
        Email = Given(details.Email),
        Phone = Given(details.Phone),
        Company = Given(details.Company),
        Source = Given(details.Source),
        Value = Given(details.Value),
        Tags = details.Tags is [] ? default : Change<IReadOnlyList<string>?>.To(details.Tags),
    };

    private static Change<T?> Given<T>(T? value)
        where T : class => value is null ? default : Change<T?>.To(value);

    private void Record(ImportRow row, KnownLead known, Decision<LeadEvent> decision, DateTimeOffset at, RowBatch batch)
    {
        if (decision.Refusal is { } refusal)
        {
            batch.Reject(row, $"{refusal.Code}: {refusal.Because}");
            return;
        }

        if (decision.Events is [])
        {
            batch.Tally.AlreadyThere++;
            return;
        }

        if (known.Version == 0 && decision.Events is [LeadCaptured { Details.ExternalId: { } externalId }, ..])
        {
            batch.Claim(new UniqueKey(LeadStream.ExternalIdScope, externalId, known.StreamId));
        }

        var step = 0;
        foreach (var happened in decision.Events.Concat(Lead.Aggregate.Follow(known.Lead, decision.Events)).ToList())
        {
            step++;
            var source = new SourceRow(row.Number, step);
            var recorded = new NewEvent(Guid.CreateVersion7(now), happened, at)
            {
                Envelope = Envelope.System with { CausationId = source.Store(Source), OperationId = operation },
            };
            batch.Append(known.StreamId, Lead.Aggregate.StreamType, known.Version, recorded);
            batch.Tally.Recorded(log.Catalog.Of(happened).Name);
            known.Take(happened, at);
        }
    }
}
