using System.Diagnostics;
using System.Globalization;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What the agents' ledger remembers: of a lead, whose it is; of a user, the name.</summary>
public sealed record AgentsMemory : Memory
{
    /// <summary>A user's name; null for a lead.</summary>
    public string? Name { get; init; }

    /// <summary>The agent that a lead belongs to.</summary>
    public Guid? OwnerId { get; init; }

    /// <summary>A lead's status.</summary>
    public LeadStatus Status { get; init; }

    /// <summary>Whether a lead is archived.</summary>
    public bool IsArchived { get; init; }

    /// <summary>A lead's value.</summary>
    public Money? Value { get; init; }

    /// <summary>The agent that a converted lead belonged to when it converted.</summary>
    public Guid? ConvertedBy { get; init; }
}

/// <summary>
/// What each agent has and does. Measures per agent: <c>owned</c> (leads that are theirs and not archived), <c>assigned</c>,
/// <c>claimed</c>, <c>transferred-in</c>, <c>transferred-out</c>, <c>unassigned</c>, <c>completed</c>, <c>activity</c> (by kind, for who
/// logged it), <c>qualified</c> and <c>disqualified</c> (for the owner then), <c>converted</c> (for the owner then, with the lead's
/// value; taken back when the conversion is).
/// </summary>
/// <remarks>
/// What happened to a lead that nobody owned, and activities that no user logged, count for nobody: a line without an agent.
/// Archived leads do not count as owned; what was done with them stays counted.
/// </remarks>
public sealed partial class Agents() : Ledger<AgentsMemory>("agents", withDurations: false)
{
    /// <inheritdoc/>
    public override int Revision => 1;

    /// <inheritdoc/>
    public override StateTable<AgentsMemory>? States { get; } = MemoryTable(
        "agents_streams",
        [
            ReadTable<AgentsMemory>.Column("name", "text", NpgsqlDbType.Text, memory => memory.Name),
            ReadTable<AgentsMemory>.Column<Guid?>("owner_id", "uuid", NpgsqlDbType.Uuid, memory => memory.OwnerId),
            ReadTable<AgentsMemory>.Column("status", "text not null", NpgsqlDbType.Text, memory => Words.Of(memory.Status)),
            ReadTable<AgentsMemory>.Column("is_archived", "boolean not null", NpgsqlDbType.Boolean, memory => memory.IsArchived),
            ReadTable<AgentsMemory>.Column<decimal?>("value_amount", "numeric", NpgsqlDbType.Numeric, memory => memory.Value?.Amount),
            ReadTable<AgentsMemory>.Column("value_currency", "text", NpgsqlDbType.Text, memory => memory.Value?.Currency),
            ReadTable<AgentsMemory>.Column<Guid?>("converted_by", "uuid", NpgsqlDbType.Uuid, memory => memory.ConvertedBy),
        ],
        reader => new AgentsMemory
        {
            StreamId = reader.GetGuid(0),
            At = reader.GetFieldValue<DateTimeOffset>(1),
            Name = reader.IsDBNull(2) ? null : reader.GetString(2),
            OwnerId = reader.IsDBNull(3) ? null : reader.GetGuid(3),
            Status = Words.Status(reader.GetString(4)),
            IsArchived = reader.GetBoolean(5),
            Value = reader.IsDBNull(6) ? null : new Money(reader.GetDecimal(6), reader.GetString(7)),
            ConvertedBy = reader.IsDBNull(8) ? null : reader.GetGuid(8),
        });

    /// <inheritdoc/>
    public override bool Applies(object data) => data is UserRegistered or UserRenamed
        or LeadCaptured or LeadValueChanged or LeadAssigned or LeadClaimed or LeadUnassigned or LeadTransferred or LeadAssignmentCompleted
        or LeadActivityLogged or LeadContacted or LeadQualified or LeadDisqualified or LeadReopened or LeadConverted or LeadUnconverted
        or LeadArchived or LeadUnarchived or LeadRestored or LeadChangesReversed;

    /// <inheritdoc/>
    protected override AgentsMemory? Remember(AgentsMemory? memory, RecordedEvent recorded, FactList facts)
    {
        var known = memory ?? new AgentsMemory { StreamId = recorded.StreamId, At = facts.At };
        return recorded.Data switch
        {
            UserRegistered registered => known with { Name = registered.Name },
            UserRenamed renamed => known with { Name = renamed.Name },
            LeadEvent happened => OfLead(known, happened, recorded.Envelope, facts),
            _ => null,
        };
    }

    private static AgentsMemory OfLead(AgentsMemory memory, LeadEvent happened, Envelope envelope, FactList facts)
    {
        var lead = Lead.Evolve(
            new Lead
            {
                Status = memory.Status,
                OwnerId = memory.OwnerId,
                IsArchived = memory.IsArchived,
                Details = LeadDetails.Unknown with { Value = memory.Value },
            },
            happened);
        var isConverted = lead.Status == LeadStatus.Converted;
        var after = memory with
        {
            OwnerId = lead.OwnerId,
            Status = lead.Status,
            IsArchived = lead.IsArchived,
            Value = lead.Details.Value,
            ConvertedBy = !isConverted ? null : memory.Status == LeadStatus.Converted ? memory.ConvertedBy : lead.OwnerId,
        };
        var standings = new List<Standing>(4);
        CountsFor(memory, -1, standings);
        CountsFor(after, 1, standings);
        facts.Move(standings);
        CountDeed(memory, happened, envelope, facts);
        return after;
    }

    private static void CountDeed(AgentsMemory before, LeadEvent happened, Envelope envelope, FactList facts)
    {
        var owner = IdOf(before.OwnerId);
        switch (happened)
        {
            case LeadAssigned assigned:
                facts.Add("assigned", IdOf(assigned.AgentId));
                break;
            case LeadClaimed claimed:
                facts.Add("claimed", IdOf(claimed.AgentId));
                break;
            case LeadTransferred transferred:
                facts.Add("transferred-in", IdOf(transferred.AgentId));
                facts.Add("transferred-out", owner);
                break;
            case LeadUnassigned:
                facts.Add("unassigned", owner);
                break;
            case LeadAssignmentCompleted:
                facts.Add("completed", owner);
                break;
            case LeadActivityLogged activity:
                facts.Add("activity", DoneBy(envelope), Words.Of(activity.Kind));
                break;
            case LeadQualified:
                facts.Add("qualified", owner);
                break;
            case LeadDisqualified:
                facts.Add("disqualified", owner);
                break;
            case LeadCaptured or LeadValueChanged or LeadContacted or LeadReopened or LeadConverted or LeadUnconverted
                or LeadArchived or LeadUnarchived or LeadRestored or LeadChangesReversed:
                // No deed of its own: what it changes of owned and converted leads is told by CountsFor.
                break;
            default:
                throw new UnreachableException($"{happened.GetType().Name} is not counted.");
        }
    }

    private static void CountsFor(AgentsMemory lead, int sign, List<Standing> standings)
    {
        if (lead is { OwnerId: { } owner, IsArchived: false })
        {
            standings.Add(new Standing("owned", IdOf(owner), null, sign));
        }

        if (lead.Status == LeadStatus.Converted)
        {
            standings.Add(new Standing("converted", IdOf(lead.ConvertedBy), lead.Value, sign));
        }
    }

    private static string DoneBy(Envelope envelope) =>
        Guid.TryParseExact(envelope.OnBehalfOf ?? envelope.Actor, "D", out var user) ? IdOf(user) : "";

    private static string IdOf(Guid? agent) => agent?.ToString("D", CultureInfo.InvariantCulture) ?? "";
}
