using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Evolving_a_lead
{
    private static readonly Lead Before = Lead.Initial with
    {
        Status = LeadStatus.Contacted,
        Details = Ada,
        OwnerId = Anna,
        AssignmentOpen = true,
        Score = 30,
        ScoreRules = 1,
        Engagement = new Engagement(1, 1, 0),
    };

    private static readonly LeadRestored Restored =
        new(1, LeadDetails.Unknown, LeadStatus.New, Boris, false, true, 9, 2, true, "why");

    private static readonly LeadChangesReversed Reversed =
        new([2, 3], LeadDetails.Unknown, LeadStatus.New, Boris, false, true, 9, 2, true, "why");

    /// <summary>What each event makes of the lead above.</summary>
    private static readonly Dictionary<LeadEvent, Lead> After = new()
    {
        [new LeadCaptured(LeadDetails.Unknown, 3, 2)] =
            Before with { Status = LeadStatus.New, Details = LeadDetails.Unknown, Score = 3, ScoreRules = 2 },
        [new LeadContactDetailsChanged("A", "B", "c@d", "1")] =
            Before with { Details = Ada with { FirstName = "A", LastName = "B", Email = "c@d", Phone = "1" } },
        [new LeadCompanyChanged("X")] = Before with { Details = Ada with { Company = "X" } },
        [new LeadValueChanged(new Money(1, "EUR"))] = Before with { Details = Ada with { Value = new Money(1, "EUR") } },
        [new LeadSourceChanged("event")] = Before with { Details = Ada with { Source = "event" } },
        [new LeadTagsChanged(["a"])] = Before with { Details = Ada with { Tags = ["a"] } },
        [new LeadExternalIdChanged("1")] = Before with { Details = Ada with { ExternalId = "1" } },
        [new LeadAssigned(Boris)] = Before with { OwnerId = Boris },
        [new LeadClaimed(Boris)] = Before with { OwnerId = Boris },
        [new LeadTransferred(Boris, null)] = Before with { OwnerId = Boris },
        [new LeadUnassigned()] = Before with { OwnerId = null, AssignmentOpen = false },
        [new LeadAssignmentCompleted(null)] = Before with { AssignmentOpen = false },
        [CalledOut] = Before with { Engagement = new Engagement(1, 2, 0) },
        [CalledOut with { Kind = ActivityKind.Meeting, Direction = ActivityDirection.In }] =
            Before with { Engagement = new Engagement(2, 1, 1) },
        [CalledOut with { Kind = ActivityKind.Visit }] = Before with { Engagement = new Engagement(1, 2, 1) },
        [new LeadNoteAdded(FirstNote, "x")] = Before,
        [Reversed] = Before with
        {
            Details = LeadDetails.Unknown,
            Status = LeadStatus.New,
            OwnerId = Boris,
            AssignmentOpen = false,
            IsArchived = true,
            Score = 9,
            ScoreRules = 2,
            ScoreSetByHand = true,
        },
        [new LeadCaptureTimeCorrected(Noon)] = Before,
        [new LeadContacted()] = Before,
        [new LeadQualified(null)] = Before with { Status = LeadStatus.Qualified },
        [new LeadQualified(90)] = Before with { Status = LeadStatus.Qualified, Score = 90, ScoreSetByHand = true },
        [new LeadDisqualified(null)] = Before with { Status = LeadStatus.Disqualified },
        [new LeadReopened(null)] = Before,
        [new LeadConverted(null, null)] = Before with { Status = LeadStatus.Converted },
        [new LeadUnconverted(null)] = Before with { Status = LeadStatus.Qualified },
        [new LeadArchived(null)] = Before with { IsArchived = true },
        [new LeadUnarchived(null)] = Before,
        [Restored] = Before with
        {
            Status = LeadStatus.New,
            Details = LeadDetails.Unknown,
            OwnerId = Boris,
            AssignmentOpen = false,
            IsArchived = true,
            Score = 9,
            ScoreRules = 2,
            ScoreSetByHand = true,
        },
        [new LeadScoreChanged(45, 2)] = Before with { Score = 45, ScoreRules = 2 },
        [Erased] = Before with { IsErased = true, Details = LeadDetails.Unknown },
    };

    [Fact]
    public void gives_the_state_that_each_event_means() =>
        Assert.All(After, expected => Assert.Equal(expected.Value, Lead.Evolve(Before, expected.Key)));

    [Fact]
    public void knows_every_stored_type() =>
        Assert.Empty(LeadEvent.StoredNames.Values.Except(After.Keys.Select(happened => happened.GetType())));

    [Fact]
    public void counts_a_contact_that_the_history_names_no_activity_for()
    {
        var captured = Lead.Evolve(Lead.Initial, Captured);
        Assert.All(
            new LeadEvent[] { new LeadContacted(), new LeadQualified(null), new LeadConverted(null, null) },
            further => Assert.Equal(new Engagement(0, 1, 0), Lead.Evolve(captured, further).Engagement));
        Assert.Equal(new Engagement(0, 1, 0), Lead.Evolve(Lead.Evolve(captured, CalledOut), new LeadContacted()).Engagement);
    }

    [Fact]
    public void forgets_the_hand_that_set_a_score_when_the_rules_score_again()
    {
        var byHand = Lead.Evolve(Before, new LeadQualified(90));
        Assert.False(Lead.Evolve(byHand, new LeadScoreChanged(30, 1)).ScoreSetByHand);
        Assert.False(Lead.Evolve(byHand, new LeadReopened(null)).ScoreSetByHand);
    }
}
