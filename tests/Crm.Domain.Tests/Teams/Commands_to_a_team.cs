using Crm.Domain.Teams;

namespace Crm.Domain.Tests.Teams;

public static class TeamFacts
{
    public static readonly Guid Anna = new("01930000-0000-7000-8000-00000000000a");
    public static readonly Guid Boris = new("01930000-0000-7000-8000-00000000000b");
    public static readonly TeamFormed Formed = new("North");
    public static readonly TeamMemberAdded AnnaJoined = new(Anna);

    public static Spec<Team, TeamEvent> Given(params TeamEvent[] history) => new(Team.Aggregate, history);
}

public class Forming_a_team
{
    [Fact]
    public void is_recorded() => TeamFacts.Given().When(new FormTeam("North")).Then(TeamFacts.Formed);

    [Fact]
    public void needs_a_name() => TeamFacts.Given().When(new FormTeam(" ")).ThenRefused(TeamRefusals.NoName);

    [Fact]
    public void twice_is_refused() =>
        TeamFacts.Given(TeamFacts.Formed).When(new FormTeam("North")).ThenRefused(TeamRefusals.AlreadyExists);

    [Fact]
    public void under_the_id_of_a_disbanded_one_is_refused() =>
        TeamFacts.Given(TeamFacts.Formed, new TeamDisbanded()).When(new FormTeam("South")).ThenRefused(TeamRefusals.AlreadyExists);
}

public class Renaming_a_team
{
    [Fact]
    public void is_recorded() => TeamFacts.Given(TeamFacts.Formed).When(new RenameTeam("South")).Then(new TeamRenamed("South"));

    [Fact]
    public void to_the_same_name_changes_nothing() => TeamFacts.Given(TeamFacts.Formed).When(new RenameTeam("North")).ThenNothing();

    [Fact]
    public void to_nothing_is_refused() => TeamFacts.Given(TeamFacts.Formed).When(new RenameTeam("")).ThenRefused(TeamRefusals.NoName);

    [Fact]
    public void that_is_not_there_is_refused() => TeamFacts.Given().When(new RenameTeam("South")).ThenRefused(TeamRefusals.NotFound);
}

public class Joining_a_team
{
    [Fact]
    public void is_recorded() =>
        TeamFacts.Given(TeamFacts.Formed).When(new AddTeamMember(TeamFacts.Anna, IsKnown: true)).Then(TeamFacts.AnnaJoined);

    [Fact]
    public void twice_changes_nothing() =>
        TeamFacts.Given(TeamFacts.Formed, TeamFacts.AnnaJoined).When(new AddTeamMember(TeamFacts.Anna, IsKnown: true)).ThenNothing();

    [Fact]
    public void is_refused_to_somebody_who_is_not_there() =>
        TeamFacts.Given(TeamFacts.Formed).When(new AddTeamMember(TeamFacts.Anna, IsKnown: false)).ThenRefused(TeamRefusals.UnknownUser);

    [Fact]
    public void that_is_not_there_is_refused() =>
        TeamFacts.Given().When(new AddTeamMember(TeamFacts.Anna, IsKnown: true)).ThenRefused(TeamRefusals.NotFound);
}

public class Leaving_a_team
{
    [Fact]
    public void is_recorded() => TeamFacts.Given(TeamFacts.Formed, TeamFacts.AnnaJoined).When(new RemoveTeamMember(TeamFacts.Anna))
        .Then(new TeamMemberRemoved(TeamFacts.Anna));

    [Fact]
    public void that_one_does_not_belong_to_changes_nothing() =>
        TeamFacts.Given(TeamFacts.Formed, TeamFacts.AnnaJoined).When(new RemoveTeamMember(TeamFacts.Boris)).ThenNothing();

    [Fact]
    public void that_is_not_there_is_refused() =>
        TeamFacts.Given().When(new RemoveTeamMember(TeamFacts.Anna)).ThenRefused(TeamRefusals.NotFound);
}

public class Disbanding_a_team
{
    [Fact]
    public void is_recorded_and_leaves_nobody_in_it() =>
        TeamFacts.Given(TeamFacts.Formed, TeamFacts.AnnaJoined).When(new DisbandTeam()).ThenState(team =>
        {
            Assert.False(team.Exists);
            Assert.Empty(team.Members);
        });

    [Fact]
    public void twice_changes_nothing() => TeamFacts.Given(TeamFacts.Formed, new TeamDisbanded()).When(new DisbandTeam()).ThenNothing();

    [Fact]
    public void that_is_not_there_is_refused() => TeamFacts.Given().When(new DisbandTeam()).ThenRefused(TeamRefusals.NotFound);
}

public class Evolving_a_team
{
    [Fact]
    public void knows_every_stored_type()
    {
        TeamEvent[] all =
        [
            TeamFacts.Formed, new TeamRenamed("South"), TeamFacts.AnnaJoined, new TeamMemberRemoved(TeamFacts.Anna), new TeamDisbanded(),
        ];
        Assert.Empty(TeamEvent.StoredNames.Values.Except(all.Select(happened => happened.GetType())));
        Assert.True(Team.Aggregate.Fold(all).IsDisbanded);
    }
}
