namespace Crm.Domain.Teams;

/// <summary>Lets a user join the team: from now on its members and the user see each other's leads.</summary>
/// <param name="UserId">The user.</param>
/// <param name="IsKnown">Whether there is such a user, looked up before the decision; users are never taken away.</param>
public sealed record AddTeamMember(Guid UserId, bool IsKnown) : ICommand<Team, TeamEvent>
{
    /// <inheritdoc/>
    public Decision<TeamEvent> Decide(Team team) => team switch
    {
        { Exists: false } => TeamRefusals.NotFound,
        { Exists: true } when !IsKnown => TeamRefusals.UnknownUser,
        { Exists: true } when team.Members.Contains(UserId) => default(NoChange),
        { Exists: true } => new TeamMemberAdded(UserId),
    };
}
