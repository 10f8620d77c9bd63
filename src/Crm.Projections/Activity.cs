using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;

namespace Crm.Projections;

/// <summary>
/// What happens, counted: one fact per event of a lead, the measure being its stored name; for activities broken down by kind and
/// direction (<c>call out</c>), for all by who did it.
/// </summary>
/// <remarks>
/// The totals are over all actors: a day has as many as there are kinds of events, however many people work. What one actor did is
/// summed from the facts. It remembers nothing: an event counts at its own time, also one that was recorded out of order. Archived leads stay counted.
/// </remarks>
public sealed partial class Activity : Projection<NoState, Fact>
{
    /// <inheritdoc/>
    public override string Name => "activity";

    /// <inheritdoc/>
    public override int Revision => 1;

    /// <inheritdoc/>
    public override StateTable<NoState>? States => null;

    /// <inheritdoc/>
    public override ReadTable<Fact>? Entries { get; } = Fact.Table(
        "activity_facts", withDurations: false, ("actor", "(dim2, at)"));

    /// <inheritdoc/>
    public override DailyTotals<Fact>? Totals { get; } = Fact.TotalsTable("activity_totals", byDim2: false);

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    public override Evolution<NoState, Fact> Evolve(NoState? state, RecordedEvent recorded)
    {
        var facts = new FactList(recorded, Times.ToMicroseconds(recorded.At));
        var breakdown = recorded.Data is LeadActivityLogged activity ? $"{Words.Of(activity.Kind)} {Words.Of(activity.Direction)}" : "";
        facts.Add(recorded.Type, breakdown, recorded.Envelope.Actor ?? "");
        return new Evolution<NoState, Fact>(null, facts.Facts);
    }
}
