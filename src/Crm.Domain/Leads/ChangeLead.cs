namespace Crm.Domain.Leads;

/// <summary>
/// Changes what is known of a lead: of each field a new value, which may be null, or nothing. One event for each meaning that really
/// changes; a change to the value that already stands is none.
/// </summary>
public sealed record ChangeLead : ICommand<Lead, LeadEvent>
{
    /// <summary>Given name.</summary>
    public Change<string?> FirstName { get; init; }

    /// <summary>Family name.</summary>
    public Change<string?> LastName { get; init; }

    /// <summary>E-mail address.</summary>
    public Change<string?> Email { get; init; }

    /// <summary>Telephone number.</summary>
    public Change<string?> Phone { get; init; }

    /// <summary>Company.</summary>
    public Change<string?> Company { get; init; }

    /// <summary>Where the lead came from.</summary>
    public Change<string?> Source { get; init; }

    /// <summary>Expected value.</summary>
    public Change<Money?> Value { get; init; }

    /// <summary>All tags; null is none.</summary>
    public Change<IReadOnlyList<string>?> Tags { get; init; }

    /// <summary>Identifier in the system that the lead came from.</summary>
    public Change<string?> ExternalId { get; init; }

    /// <summary>The agent it belongs to; null is nobody. Assigns and unassigns by the rules of those commands.</summary>
    public Change<Agent?> Owner { get; init; }

    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Changed(lead, DetailsAfter(lead.Details)),
    };

    private LeadDetails DetailsAfter(LeadDetails now) => new(
        FirstName.Or(now.FirstName),
        LastName.Or(now.LastName),
        Email.Or(now.Email),
        Phone.Or(now.Phone),
        Company.Or(now.Company),
        Source.Or(now.Source),
        Value.Or(now.Value),
        Tags.IsGiven ? LeadTags.Normalized(Tags.Or(null) ?? []) : now.Tags,
        ExternalId.Or(now.ExternalId));

    private Decision<LeadEvent> Changed(Lead lead, LeadDetails after)
    {
        // Details that stand are not judged again: imported history may hold what today's rules would refuse.
        if (after != lead.Details && LeadRefusals.Of(after) is { } invalid)
        {
            return invalid;
        }

        var owner = OwnerAfter(lead);
        return owner.Refusal is { } refusal ? refusal : [.. DetailEvents(lead.Details, after), .. owner.Events];
    }

    private Decision<LeadEvent> OwnerAfter(Lead lead) =>
        !Owner.IsGiven ? default(NoChange)
        : Owner.Or(null) is { } agent ? new AssignLead(agent).Decide(lead)
        : new UnassignLead().Decide(lead);

    private static IEnumerable<LeadEvent> DetailEvents(LeadDetails before, LeadDetails after)
    {
        if ((before.FirstName, before.LastName, before.Email, before.Phone) != (after.FirstName, after.LastName, after.Email, after.Phone))
        {
            yield return new LeadContactDetailsChanged(after.FirstName, after.LastName, after.Email, after.Phone);
        }

        if (before.Company != after.Company)
        {
            yield return new LeadCompanyChanged(after.Company);
        }

        if (before.Value != after.Value)
        {
            yield return new LeadValueChanged(after.Value);
        }

        if (before.Source != after.Source)
        {
            yield return new LeadSourceChanged(after.Source);
        }

        if (!before.Tags.SequenceEqual(after.Tags, StringComparer.Ordinal))
        {
            yield return new LeadTagsChanged(after.Tags);
        }

        if (before.ExternalId != after.ExternalId)
        {
            yield return new LeadExternalIdChanged(after.ExternalId);
        }
    }
}
