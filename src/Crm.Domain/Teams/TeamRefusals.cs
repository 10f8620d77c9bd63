namespace Crm.Domain.Teams;

/// <summary>Every fact that may forbid a command to a team. The codes are part of the HTTP contract.</summary>
public static class TeamRefusals
{
    /// <summary>There is no such team.</summary>
    public static Refusal NotFound { get; } = new("not-found", "There is no such team.", RefusalKind.NotFound);

    /// <summary>A team with this id was formed before.</summary>
    public static Refusal AlreadyExists { get; } = new("already-exists", "There is, or was, a team with this id.");

    /// <summary>A team needs a name.</summary>
    public static Refusal NoName { get; } = new("invalid", "A team needs a name.", RefusalKind.Invalid, "/name");

    /// <summary>There is no user with the id that was given.</summary>
    public static Refusal UnknownUser { get; } = new("unknown-user", "There is no such user.", RefusalKind.Invalid, "/userId");
}
