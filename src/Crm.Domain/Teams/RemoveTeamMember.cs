namespace Crm.Domain.Teams;

/// <summary>Takes a user out of the team: from now on its members and the user are strangers, unless another team joins them.</summary>
/// <param name="UserId">The user.</param>
public sealed record RemoveTeamMember(Guid UserId) : ICommand<Team, TeamEvent>
{
    /// <inheritdoc/>
    public Decision<TeamEvent> Decide(Team team) => team switch
    {
        { Exists: false } => TeamRefusals.NotFound,
        { Exists: true } => team.Members.Contains(UserId) ? new TeamMemberRemoved(UserId) : default(NoChange),
    };
}
