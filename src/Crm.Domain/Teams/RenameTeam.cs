namespace Crm.Domain.Teams;

/// <summary>Changes a team's name.</summary>
/// <param name="Name">The name from now on.</param>
public sealed record RenameTeam(string Name) : ICommand<Team, TeamEvent>
{
    /// <inheritdoc/>
    public Decision<TeamEvent> Decide(Team team) => team switch
    {
        { Exists: false } => TeamRefusals.NotFound,
        { Exists: true } when string.IsNullOrWhiteSpace(Name) => TeamRefusals.NoName,
        { Exists: true } when team.Name == Name => default(NoChange),
        { Exists: true } => new TeamRenamed(Name),
    };
}
