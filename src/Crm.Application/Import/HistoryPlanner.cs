using System.Globalization;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>Records the rows of an activity log as what happened to leads, also where today's rules would have refused a step.</summary>
internal sealed class HistoryPlanner(EventLog log, HistoryMap map) : IRowPlanner
{
    private const int LongestExternalId = 200;
    private readonly KnownLeads leads = new(log, map.Source);
    private readonly KnownAgents agents = new(log, map.Source);
    private readonly string operation = DerivedId.Of("import", map.Source).ToString();

    /// <inheritdoc/>
    public string Source => map.Source;

    /// <inheritdoc/>
    public async Task Load(IReadOnlyList<ImportRow> rows, CancellationToken ct)
    {
        var usable = rows.Where(static row => row.Fault is null).Select(static row => new RowValues(row.Fields)).ToList();
        await leads.Load(usable.Select(LeadOf).OfType<string>(), ct);
        await agents.Load(usable.SelectMany(row => map.Agents.Select(name => name(row))).OfType<string>(), ct);
    }

    /// <inheritdoc/>
    public void Plan(ImportRow row, RowBatch batch)
    {
        if (row.Fault is { } fault)
        {
            batch.Reject(row, fault);
            return;
        }

        var values = new RowValues(row.Fields);
        if (!map.Rules.Any(rule => rule.When(values)))
        {
            batch.Tally.PassedOver++;
            return;
        }

        if (LeadOf(values) is not { } externalId)
        {
            batch.Reject(row, "the row names no lead");
            return;
        }

        var at = map.Time(values);
        if (values.Fault is null && externalId.Length <= LongestExternalId)
        {
            Take(row, values, externalId, at, batch);
        }
        else
        {
            batch.Reject(row, values.Fault ?? $"the lead's id is longer than {LongestExternalId} characters");
        }
    }

    /// <inheritdoc/>
    public void Complete(RowBatch batch)
    {
        foreach (var (append, claim) in agents.TakeRegistrations())
        {
            batch.Begin(append, claim);
            batch.Tally.Recorded("user-registered");
        }
    }

    /// <inheritdoc/>
    public void Forget()
    {
        leads.Forget();
        agents.Forget();
    }

    private string? LeadOf(RowValues row) => row[map.Lead]?.Trim() is { Length: > 0 } id ? id : null;

    private void Take(ImportRow row, RowValues values, string externalId, DateTimeOffset at, RowBatch batch)
    {
        var known = leads[externalId];
        var lead = known.Lead;
        var steps = new List<(int Step, StepOutcome Outcome)>(map.Rules.Count);
        var irregular = new List<string>();
        var taken = false;
        for (var index = 0; index < map.Rules.Count; index++)
        {
            if (!map.Rules[index].When(values))
            {
                continue;
            }

            if (known.HasTaken(row.Number, index + 1))
            {
                taken = true;
                continue;
            }

            var id = IdOf(externalId, row.Number, index + 1);
            if (map.Rules[index].Step(new StepContext(values, lead, at, id, name => agents.UserOf(name, at))) is not { } outcome)
            {
                continue;
            }

            if (lead.Status == LeadStatus.Missing && outcome.Happened is not LeadCaptured)
            {
                if (!map.CapturesUnknown)
                {
                    batch.Reject(row, $"no lead with the external id {externalId} has been captured");
                    return;
                }

                var details = LeadDetails.Unknown with { ExternalId = externalId, Source = map.Source };
                var captured = new LeadCaptured(details, LeadScore.Of(details, default), LeadScore.CurrentRules);
                steps.Add((0, new StepOutcome(captured, Command: null)));
                lead = Lead.Evolve(lead, captured);
            }
            else if (lead.Status != LeadStatus.Missing && outcome.Happened is LeadCaptured)
            {
                batch.Reject(row, $"the lead {externalId} has been captured before");
                return;
            }

            if (outcome.Command?.Decide(lead).Refusal is { } refusal)
            {
                irregular.Add(refusal.Code);
            }

            steps.Add((index + 1, outcome));
            lead = Lead.Evolve(lead, outcome.Happened);
        }

        if (values.Fault is { } fault)
        {
            batch.Reject(row, fault);
        }
        else if (steps.Count > 0 && known.Lead.IsErased)
        {
            // History is not judged, but who was erased must not come back with it.
            batch.Reject(row, $"{LeadRefusals.Erased.Code}: {LeadRefusals.Erased.Because}");
        }
        else if (steps.Count > 0)
        {
            Record(row, values, externalId, at, known, steps, irregular, batch);
        }
        else if (taken)
        {
            batch.Tally.AlreadyThere++;
        }
        else
        {
            batch.Tally.PassedOver++;
        }
    }

    private void Record(
        ImportRow row,
        RowValues values,
        string externalId,
        DateTimeOffset at,
        KnownLead known,
        List<(int Step, StepOutcome Outcome)> steps,
        List<string> irregular,
        RowBatch batch)
    {
        if (at < known.LastAt)
        {
            irregular.Add("out-of-order");
        }

        foreach (var kind in irregular)
        {
            batch.Tally.Irregularly(kind, row.Line, externalId);
        }

        if (known.Version == 0)
        {
            batch.Claim(new UniqueKey(LeadStream.ExternalIdScope, externalId, known.StreamId));
        }

        var actor = map.Actor(values) is { } name ? agents.UserOf(name, at).ToString() : null;
        foreach (var (step, outcome) in steps)
        {
            var recorded = new NewEvent(IdOf(externalId, row.Number, step), outcome.Happened, at)
            {
                Envelope = new Envelope(actor, CausationId: new SourceRow(row.Number, step).Store(Source), OperationId: operation),
            };
            batch.Append(known.StreamId, Lead.Aggregate.StreamType, known.Version, recorded);
            batch.Tally.Recorded(log.Catalog.Of(outcome.Happened).Name);
            known.Take(outcome.Happened, at);
        }
    }

    private Guid IdOf(string externalId, long row, int step) =>
        DerivedId.Of("event", Source, externalId, row.ToString(CultureInfo.InvariantCulture), step.ToString(CultureInfo.InvariantCulture));
}
