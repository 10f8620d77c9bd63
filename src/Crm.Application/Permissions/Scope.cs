using System.Collections.Frozen;
using Crm.Domain.Users;

namespace Crm.Application.Permissions;

/// <summary>
/// Whose leads somebody may see and change: the one place that says it. What counts is the lead's owner of today, whatever moment is
/// asked about.
/// </summary>
/// <param name="UserId">The user; empty for the system itself.</param>
/// <param name="Role">The user's role now.</param>
/// <param name="SeesAll">Whether the rows of all owners are theirs to see: admins, auditors, managers who oversee the company.</param>
/// <param name="Team">The user and those who share a team with them; not asked where <paramref name="SeesAll"/>.</param>
public sealed record Scope(Guid UserId, Role Role, bool SeesAll, IReadOnlySet<Guid> Team)
{
    /// <summary>The system itself: imports, rescoring, verbs of the command line.</summary>
    public static Scope System { get; } = new(Guid.Empty, Role.Admin, SeesAll: true, FrozenSet<Guid>.Empty);

    /// <summary>Nobody: who has not signed in.</summary>
    public static Scope Nobody { get; } = new(Guid.Empty, Role.Ops, SeesAll: false, FrozenSet<Guid>.Empty);

    /// <summary>The scope of a user who belongs to teams with others.</summary>
    public static Scope Of(Guid userId, User user, IReadOnlySet<Guid> team) => new(userId, user.Role, IsUnbounded(user), team);

    /// <summary>Whether a user sees the rows of all owners, so that nobody need ask for their teams.</summary>
    public static bool IsUnbounded(User user) => user.Role switch
    {
        Role.Admin or Role.Auditor => true,
        Role.Manager => user.Oversight == Oversight.Company,
        Role.Agent or Role.Ops => false,
    };

    /// <summary>What the user may do with a lead.</summary>
    /// <param name="ownerId">The agent whom it belongs to today; null when it belongs to nobody.</param>
    public Access To(Guid? ownerId) => Role switch
    {
        Role.Ops => Access.None,
        Role.Auditor => Access.Read,
        Role.Admin => Access.Write,
        Role.Manager => SeesAll || IsWithin(ownerId) ? Access.Write : Access.None,
        Role.Agent => ownerId == UserId ? Access.Write : IsWithin(ownerId) ? Access.Claim : Access.None,
    };

    /// <summary>Whether the user may put a new lead into somebody's hands.</summary>
    /// <param name="ownerId">The agent named; null when nobody is.</param>
    public bool MayGiveTo(Guid? ownerId) => Role switch
    {
        Role.Admin => true,
        Role.Manager => SeesAll || IsWithin(ownerId),
        Role.Agent => IsWithin(ownerId),
        Role.Auditor or Role.Ops => false,
    };

    /// <summary>Whether the user gives leads to agents, whoever had them before.</summary>
    public bool Assigns => Role is Role.Admin or Role.Manager;

    /// <summary>Whether a lead that the user captures, naming no agent, is the user's own; else it is nobody's.</summary>
    public bool KeepsWhatIsCaptured => Role is Role.Agent;

    private bool IsWithin(Guid? ownerId) => ownerId is not { } owner || owner == UserId || Team.Contains(owner);
}
