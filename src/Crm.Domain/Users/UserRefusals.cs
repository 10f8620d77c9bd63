namespace Crm.Domain.Users;

/// <summary>Every fact that may forbid a command to a user. The codes are part of the HTTP contract.</summary>
public static class UserRefusals
{
    /// <summary>There is no such user.</summary>
    public static Refusal NotFound { get; } = new("not-found", "There is no such user.", RefusalKind.NotFound);

    /// <summary>A user with this id was registered before.</summary>
    public static Refusal AlreadyExists { get; } = new("already-exists", "There is a user with this id already.");

    /// <summary>Nobody could manage users any more.</summary>
    public static Refusal LastAdmin { get; } = new("last-admin", "This is the last active admin.");

    /// <summary>Nobody shuts themselves out.</summary>
    public static Refusal OwnAccount { get; } = new("own-account", "Nobody can deactivate their own account.");

    /// <summary>The e-mail address has not the form of one.</summary>
    public static Refusal InvalidEmail { get; } = new("invalid", "This is not an e-mail address.", RefusalKind.Invalid, "/email");

    /// <summary>A user needs a name.</summary>
    public static Refusal NoName { get; } = new("invalid", "A user needs a name.", RefusalKind.Invalid, "/name");
}
