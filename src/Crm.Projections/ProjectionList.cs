using Crm.EventStore.Projections;

namespace Crm.Projections;

/// <summary>Every read model of the product.</summary>
public static class ProjectionList
{
    /// <summary>The projections, each named; nothing is found by scanning.</summary>
    public static IReadOnlyList<Projection> All { get; } =
    [
        new LeadBoard(),
        new LeadHistory(),
        new LeadTimeline(),
        new AuditTrail(),
        new Funnel(),
        new Sources(),
        new Agents(),
        new Activity(),
        new ResponseTimes(),
    ];
}
