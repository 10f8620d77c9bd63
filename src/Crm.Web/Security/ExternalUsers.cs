using Crm.Application.Permissions;
using Crm.Application.Users;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>
/// The users whom other issuers name: each is registered at first sight and known by issuer and subject alone. An e-mail address joins
/// nobody to anybody: whoever controls one at another issuer would else be our user.
/// </summary>
public sealed class ExternalUsers(EventLog log, ScopeReader scopes, TimeProvider clock)
{
    private const int Attempts = 10;

    /// <summary>The user whom a token names, with the role that it says, unless something newer is known.</summary>
    public async Task<Guid> Ensure(string issuer, ExternalToken token, CancellationToken ct)
    {
        var identity = new ExternalIdentity(issuer, token.Subject);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var id = await log.FindHolder(UserStream.IdentityScope, UserStream.KeyOf(identity), ct);
            var outcome = id is { } known ? await Follow(known, issuer, token, ct) : await Register(identity, token, ct);
            if (outcome is { } user)
            {
                return user;
            }
        }

        throw new LogUnavailableException("The user is changed by many at this moment.") { NothingAppended = true };
    }

    /// <summary>What the user may do now; null when the user was shut out here, whatever the issuer says.</summary>
    public async Task<Admission> Look(Guid userId, CancellationToken ct)
    {
        var user = await log.ReadUser(userId, ct);
        return user.IsActive ? new Admission(Caller.Of(userId, user, await scopes.Of(userId, user, ct))) : Admission.None;
    }

    private async Task<Guid?> Register(ExternalIdentity identity, ExternalToken token, CancellationToken ct)
    {
        var now = WireFormats.Microseconds(clock.GetUtcNow());
        var id = Guid.CreateVersion7(now);
        var append = new AppendCommand(
            [
                new StreamAppend(
                    id,
                    User.Aggregate.StreamType,
                    ExpectedVersion: 0,
                    [
                        new NewEvent(Guid.CreateVersion7(now), new UserRegistered(token.Name, Email: null, token.Role, IsActive: true), now),
                        new NewEvent(Guid.CreateVersion7(now), new UserIdentityLinked(identity.Issuer, identity.Subject), now),
                    ]),
            ],
            By(identity.Issuer))
        {
            Claims = [new UniqueKey(UserStream.IdentityScope, UserStream.KeyOf(identity), id)],
        };

        // Many requests may bring the first token of somebody at once: one registers, the others find the user.
        return await log.Append(append, ct) is AppendOutcome.Appended ? id : null;
    }

    private async Task<Guid?> Follow(Guid id, string issuer, ExternalToken token, CancellationToken ct)
    {
        var history = await log.ReadStream(id, ct);
        var user = User.Aggregate.Fold(history.Select(static recorded => (UserEvent)recorded.Data));
        var since = history.LastOrDefault(static recorded => recorded.Data is UserRegistered or UserRoleChanged)?.At;

        // A token that was issued before the role changed last must not bring the old role back.
        if (user.Role == token.Role || token.IssuedAt <= since)
        {
            return id;
        }

        var now = WireFormats.Microseconds(clock.GetUtcNow());
        var changed = new NewEvent(Guid.CreateVersion7(now), new UserRoleChanged(token.Role), now);
        var append = new AppendCommand([new StreamAppend(id, User.Aggregate.StreamType, history.Count, [changed])], By(issuer));
        return await log.Append(append, ct) is AppendOutcome.Appended ? id : null;
    }

    private static Envelope By(string issuer) => new($"oidc:{issuer}");
}
