using Crm.Application.Permissions;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>The access tokens that we issue ourselves: each belongs to a session that began with a login.</summary>
public sealed class SessionTokens(JwtTokens tokens, SigningKeys keys, Sessions sessions, EventLog log, ScopeReader scopes)
{
    /// <summary>Verifies a token; null when it is not ours, not yet valid or expired.</summary>
    public async ValueTask<Proof?> Verify(CompactJws jws, CancellationToken ct) =>
        await keys.Named(jws.Kid, ct) is { } key && tokens.Read(jws, key) is { } token ? new Session(this, token, jws.Kid) : null;

    private async Task<Admission> Look(AccessToken token, string kid, CancellationToken ct)
    {
        if (await keys.Named(kid, ct) is null || !await sessions.GoesOn(token.SessionId, token.UserId, token.SecurityStamp, ct))
        {
            return Admission.None;
        }

        var user = await log.ReadUser(token.UserId, ct);
        return user.IsActive ? new Admission(Caller.Of(token, user, await scopes.Of(token.UserId, user, ct))) : Admission.None;
    }

    private sealed class Session(SessionTokens tokens, AccessToken token, string kid) : Proof
    {
        public override DateTimeOffset EndsAt => token.ExpiresAt;

        public override Task<Admission> Look(CancellationToken ct) => tokens.Look(token, kid, ct);
    }
}
