namespace Crm.Domain.Teams;

/// <summary>Ends a team: its members are strangers from now on, unless another team joins them.</summary>
public sealed record DisbandTeam : ICommand<Team, TeamEvent>
{
    /// <inheritdoc/>
    public Decision<TeamEvent> Decide(Team team) => team switch
    {
        { IsDisbanded: true } => default(NoChange),
        { Exists: false } => TeamRefusals.NotFound,
        { Exists: true } => new TeamDisbanded(),
    };
}
