using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Archiving_a_lead
{
    [Fact]
    public void is_recorded_with_its_reason() => Given(Captured).When(new ArchiveLead("old")).Then(Archived);

    [Fact]
    public void is_possible_whatever_became_of_it()
    {
        Given(Captured, Contacted, Qualified, Converted).When(new ArchiveLead("old")).Then(Archived);
        Given(Captured, Disqualified).When(new ArchiveLead("old")).Then(Archived);
    }

    [Fact]
    public void twice_is_refused() => Given(Captured, Archived).When(new ArchiveLead("old")).ThenRefused(LeadRefusals.AlreadyArchived);

    [Fact]
    public void that_is_not_there_is_refused() => Given().When(new ArchiveLead("old")).ThenRefused(LeadRefusals.NotFound);

    [Fact]
    public void leaves_its_score_alone_even_where_the_rules_would_move_it() =>
        Given(new LeadCaptured(Ada, 7, 1)).When(new ArchiveLead("old")).ThenFollows();
}

public class Unarchiving_a_lead
{
    [Fact]
    public void brings_it_back_with_its_status() =>
        Given(Captured, Contacted, Archived).When(new UnarchiveLead("back")).ThenState(lead =>
            Assert.Equal((false, LeadStatus.Contacted), (lead.IsArchived, lead.Status)));

    [Fact]
    public void is_recorded_with_its_reason() => Given(Captured, Archived).When(new UnarchiveLead("back")).Then(new LeadUnarchived("back"));

    [Fact]
    public void that_is_not_archived_changes_nothing() => Given(Captured).When(new UnarchiveLead(null)).ThenNothing();

    [Fact]
    public void twice_changes_nothing() =>
        Given(Captured, Archived, new LeadUnarchived(null)).When(new UnarchiveLead(null)).ThenNothing();

    [Fact]
    public void that_is_not_there_is_refused() => Given().When(new UnarchiveLead(null)).ThenRefused(LeadRefusals.NotFound);
}

public class Restoring_a_lead
{
    private static readonly LeadEvent[] Later =
        [Captured, Assigned, CalledOut, Contacted, new LeadCompanyChanged("Other"), new LeadQualified(90)];

    private static Lead At(int version) => Lead.Aggregate.Fold(Later.Take(version));

    [Fact]
    public void puts_everything_back_to_how_it_stood() =>
        Given(Later).When(new RestoreLead(At(2), 2, "wrong lead")).Then(
            new LeadRestored(2, Ada, LeadStatus.New, Anna, true, IsArchived: false, 30, 1, ScoreSetByHand: false, "wrong lead"));

    [Fact]
    public void keeps_the_score_it_had() => Given(Later).When(new RestoreLead(At(2), 2, null)).ThenFollows();

    [Fact]
    public void works_on_an_archived_lead() =>
        Given([.. Later, Archived]).When(new RestoreLead(At(2), 2, null)).ThenState(lead => Assert.False(lead.IsArchived));

    [Fact]
    public void to_how_it_stands_changes_nothing() => Given(Later).When(new RestoreLead(At(6), 6, "again")).ThenNothing();

    [Fact]
    public void twice_changes_nothing() =>
        Given([.. Later, new LeadRestored(2, Ada, LeadStatus.New, Anna, true, false, 30, 1, false, null)])
            .When(new RestoreLead(At(2), 2, null)).ThenNothing();

    [Fact]
    public void to_before_it_was_captured_is_refused() =>
        Given(Later).When(new RestoreLead(Lead.Initial, 0, null)).ThenRefused(LeadRefusals.NotFoundAt);

    [Fact]
    public void that_is_not_there_is_refused() =>
        Given().When(new RestoreLead(Lead.Initial, 0, null)).ThenRefused(LeadRefusals.NotFound);
}
