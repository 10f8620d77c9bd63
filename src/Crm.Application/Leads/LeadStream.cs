using Crm.Application.Permissions;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Leads;

/// <summary>A lead's stream: no two leads have the same external id.</summary>
public static class LeadStream
{
    /// <summary>The scope of external ids among the log's unique keys.</summary>
    public const string ExternalIdScope = "lead-external-id";

    /// <summary>Another lead has this external id.</summary>
    public static Refusal DuplicateExternalId { get; } = new("duplicate-external-id", "Another lead has this external id.");

    /// <summary>How commands meet it.</summary>
    public static StreamKind<Lead, LeadEvent> Kind { get; } = new(Lead.Aggregate, KeysOf, DuplicateExternalId, LeadPermissions.Of)
    {
        Erases = static happened => happened is LeadErased,
    };

    private static IReadOnlyList<UniqueKey> KeysOf(Guid id, Lead lead) =>
        lead.Details.ExternalId is { } externalId ? [new UniqueKey(ExternalIdScope, externalId, id)] : [];
}
