using System.Diagnostics;

namespace Crm.Domain.Leads;

/// <summary>A lead as its decisions need it: a fold of its events.</summary>
public sealed record Lead
{
    /// <summary>Before the first event: there is no such lead.</summary>
    public static Lead Initial { get; } = new();

    /// <summary>How a lead's stream is folded; a change that moves the score is followed by the new score.</summary>
    public static Aggregate<Lead, LeadEvent> Aggregate { get; } = new("lead", Initial, Evolve, LeadScore.Follow);

    /// <summary>Where the lead stands.</summary>
    public LeadStatus Status { get; init; } = LeadStatus.Missing;

    /// <summary>What is known of the person and the company.</summary>
    public LeadDetails Details { get; init; } = LeadDetails.Unknown;

    /// <summary>The agent it belongs to; null when it belongs to nobody.</summary>
    public Guid? OwnerId { get; init; }

    /// <summary>Whether the owner's assignment is still open.</summary>
    public bool AssignmentOpen { get; init; }

    /// <summary>Whether the lead has been put away.</summary>
    public bool IsArchived { get; init; }

    /// <summary>Whether the person has been erased: nothing more can happen to the lead.</summary>
    public bool IsErased { get; init; }

    /// <summary>The score as last recorded, 0–100.</summary>
    public int Score { get; init; }

    /// <summary>The version of the rules that gave the score; 0 before any did.</summary>
    public int ScoreRules { get; init; }

    /// <summary>Whether the score was set by hand when the lead was qualified; the rules then leave it alone.</summary>
    public bool ScoreSetByHand { get; init; }

    /// <summary>How often contact took place, by direction, and in person: what the score counts.</summary>
    public Engagement Engagement { get; init; }

    /// <summary>How likely it buys.</summary>
    public Temperature Temperature => LeadScore.TemperatureOf(Score);

    /// <summary>The state after an event. Total: a test evolves every stored type.</summary>
    public static Lead Evolve(Lead lead, LeadEvent happened) => happened switch
    {
        LeadCaptured captured => lead with
        {
            Status = LeadStatus.New,
            Details = captured.Details,
            Score = captured.Score,
            ScoreRules = captured.ScoreRules,
        },
        LeadContactDetailsChanged changed => lead with
        {
            Details = lead.Details with
            {
                FirstName = changed.FirstName,
                LastName = changed.LastName,
                Email = changed.Email,
                Phone = changed.Phone,
            },
        },
        LeadCompanyChanged changed => lead with { Details = lead.Details with { Company = changed.Company } },
        LeadValueChanged changed => lead with { Details = lead.Details with { Value = changed.Value } },
        LeadSourceChanged changed => lead with { Details = lead.Details with { Source = changed.Source } },
        LeadTagsChanged changed => lead with { Details = lead.Details with { Tags = changed.Tags } },
        LeadExternalIdChanged changed => lead with { Details = lead.Details with { ExternalId = changed.ExternalId } },
        LeadAssigned assigned => lead with { OwnerId = assigned.AgentId, AssignmentOpen = true },
        LeadClaimed claimed => lead with { OwnerId = claimed.AgentId, AssignmentOpen = true },
        LeadTransferred transferred => lead with { OwnerId = transferred.AgentId, AssignmentOpen = true },
        LeadUnassigned => lead with { OwnerId = null, AssignmentOpen = false },
        LeadAssignmentCompleted => lead with { AssignmentOpen = false },
        LeadActivityLogged activity => lead with { Engagement = lead.Engagement.After(activity) },
        LeadNoteAdded => lead,
        LeadContacted => lead with { Status = LeadStatus.Contacted, Engagement = lead.Engagement.WithContact() },
        LeadQualified qualified => lead with
        {
            Status = LeadStatus.Qualified,
            Engagement = lead.Engagement.WithContact(),
            Score = qualified.Score ?? lead.Score,
            ScoreSetByHand = qualified.Score is not null || lead.ScoreSetByHand,
        },
        LeadDisqualified => lead with { Status = LeadStatus.Disqualified },
        LeadReopened => lead with { Status = lead.Engagement.Outward > 0 ? LeadStatus.Contacted : LeadStatus.New, ScoreSetByHand = false },
        LeadConverted => lead with { Status = LeadStatus.Converted, Engagement = lead.Engagement.WithContact() },
        LeadUnconverted => lead with { Status = LeadStatus.Qualified },
        LeadArchived => lead with { IsArchived = true },
        LeadUnarchived => lead with { IsArchived = false },
        LeadRestored restored => lead with
        {
            Status = restored.Status,
            Details = restored.Details,
            OwnerId = restored.OwnerId,
            AssignmentOpen = restored.AssignmentOpen,
            IsArchived = restored.IsArchived,
            Score = restored.Score,
            ScoreRules = restored.ScoreRules,
            ScoreSetByHand = restored.ScoreSetByHand,
        },
        LeadErased => lead with { IsErased = true, Details = lead.Details.WithoutPerson() },
        LeadChangesReversed reversed => lead with
        {
            Status = reversed.Status,
            Details = reversed.Details,
            OwnerId = reversed.OwnerId,
            AssignmentOpen = reversed.AssignmentOpen,
            IsArchived = reversed.IsArchived,
            Score = reversed.Score,
            ScoreRules = reversed.ScoreRules,
            ScoreSetByHand = reversed.ScoreSetByHand,
        },
        LeadCaptureTimeCorrected => lead,
        LeadScoreChanged changed => lead with { Score = changed.Score, ScoreRules = changed.Rules, ScoreSetByHand = false },
        _ => throw new UnreachableException($"No Evolve case for {happened.GetType().Name}"),
    };
}

/// <summary>How often contact took place.</summary>
/// <param name="Inward">Contacts from the lead to us.</param>
/// <param name="Outward">Contacts from us to the lead.</param>
/// <param name="InPerson">Meetings and visits, in either direction.</param>
public readonly record struct Engagement(int Inward, int Outward, int InPerson)
{
    /// <summary>The counts after one more activity.</summary>
    public Engagement After(LeadActivityLogged activity) => new(
        Inward + (activity.Direction == ActivityDirection.In ? 1 : 0),
        Outward + (activity.Direction == ActivityDirection.Out ? 1 : 0),
        InPerson + (activity.Kind is ActivityKind.Meeting or ActivityKind.Visit ? 1 : 0));

    /// <summary>
    /// The counts of a lead that we have been in contact with: at least one outward, also where an imported history names none.
    /// </summary>
    public Engagement WithContact() => Outward > 0 ? this : this with { Outward = 1 };
}
