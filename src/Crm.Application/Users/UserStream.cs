using Crm.Application.Permissions;
using Crm.Domain;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Application.Users;

/// <summary>A user's stream: no two users sign in with the same address, or by the same identity of another issuer.</summary>
public static class UserStream
{
    /// <summary>The scope of users' addresses among the log's unique keys.</summary>
    public const string EmailScope = "user-email";

    /// <summary>The scope of other issuers' identities among the log's unique keys.</summary>
    public const string IdentityScope = "external-identity";

    /// <summary>Another user signs in with this address.</summary>
    public static Refusal DuplicateEmail { get; } = new("duplicate-email", "Another user signs in with this e-mail address.");

    /// <summary>How commands meet it.</summary>
    public static StreamKind<User, UserEvent> Kind { get; } = new(User.Aggregate, KeysOf, DuplicateEmail, AdminsOnly.Of);

    /// <summary>The key of an address: addresses that differ in case only are the same.</summary>
    public static string KeyOf(string email) => email.ToLowerInvariant();

    /// <summary>The key of an identity.</summary>
    public static string KeyOf(ExternalIdentity identity) => $"{identity.Issuer}\n{identity.Subject}";

    private static IReadOnlyList<UniqueKey> KeysOf(Guid id, User user) =>
    [
        .. user.Email is { } email ? new[] { new UniqueKey(EmailScope, KeyOf(email), id) } : [],
        .. user.Identity is { } identity ? new[] { new UniqueKey(IdentityScope, KeyOf(identity), id) } : [],
    ];
}
