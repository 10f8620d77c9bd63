namespace Crm.Domain.Teams;

/// <summary>Forms a team.</summary>
/// <param name="Name">Its name, for people.</param>
public sealed record FormTeam(string Name) : ICommand<Team, TeamEvent>
{
    /// <inheritdoc/>
    public Decision<TeamEvent> Decide(Team team) => team switch
    {
        { Exists: true } or { IsDisbanded: true } => TeamRefusals.AlreadyExists,
        { Exists: false } => string.IsNullOrWhiteSpace(Name) ? TeamRefusals.NoName : new TeamFormed(Name),
    };
}
