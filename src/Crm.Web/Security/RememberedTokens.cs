using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;
using Crm.Application.Permissions;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>
/// The access tokens that this host has verified, so that a signature is checked once per token, not once per request. Each is checked
/// again against the log and the sessions shortly after (<see cref="SecurityOptions.RecheckAfter"/>): that is how a deactivated user, a
/// changed role and an ended session reach every host without one telling the other.
/// </summary>
public sealed class RememberedTokens(
    JwtTokens tokens, SigningKeys keys, Sessions sessions, EventLog log, ScopeReader scopes, SecurityOptions options, TimeProvider clock)
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<TokenHash, Remembered> known = new();

    /// <summary>Who sends this token, as of now; null when it is not ours, its time is over, or it was ended.</summary>
    public async ValueTask<ClaimsPrincipal?> WhoSends(string token, CancellationToken ct)
    {
        if (token.Length > CompactJws.MaxLength)
        {
            return null;
        }

        var hash = TokenHash.Of(token);
        if (!known.TryGetValue(hash, out var remembered))
        {
            var key = await keys.Current(ct);
            if (tokens.Read(token, kid => string.Equals(kid, key.Kid, StringComparison.Ordinal) ? key : null) is not { } read)
            {
                return null;
            }

            MakeRoom();
            remembered = known.GetOrAdd(hash, new Remembered(read));
        }

        if (clock.GetUtcNow() < remembered.Token.ExpiresAt && await Recheck(remembered).WaitAsync(ct) is { } caller)
        {
            return caller;
        }

        known.TryRemove(hash, out _);
        return null;
    }

    // One look at the log serves every request that waits for it. It is not the request's to cancel.
    private Task<ClaimsPrincipal?> Recheck(Remembered remembered)
    {
        lock (remembered)
        {
            if (remembered.Caller is null or { IsFaulted: true } || clock.GetElapsedTime(remembered.CheckedAt) >= options.RecheckAfter)
            {
                remembered.CheckedAt = clock.GetTimestamp();
                remembered.Caller = Look(remembered.Token, CancellationToken.None);
            }

            return remembered.Caller;
        }
    }

    private async Task<ClaimsPrincipal?> Look(AccessToken token, CancellationToken ct)
    {
        if (!await sessions.GoesOn(token.SessionId, token.UserId, token.SecurityStamp, ct))
        {
            return null;
        }

        var user = await log.ReadUser(token.UserId, ct);
        return user.IsActive ? Caller.Of(token, user, await scopes.Of(token.UserId, user, ct)) : null;
    }

    private void MakeRoom()
    {
        if (known.Count < Most)
        {
            return;
        }

        var now = clock.GetUtcNow();
        foreach (var (hash, remembered) in known)
        {
            if (remembered.Token.ExpiresAt <= now)
            {
                known.TryRemove(hash, out _);
            }
        }

        // All still valid: forgetting costs each of them one more verification, keeping would cost memory without bound.
        if (known.Count >= Most)
        {
            known.Clear();
        }
    }

    private sealed class Remembered(AccessToken token)
    {
        public AccessToken Token => token;

        public Task<ClaimsPrincipal?>? Caller { get; set; }

        public long CheckedAt { get; set; }
    }

    private readonly record struct TokenHash(UInt128 High, UInt128 Low)
    {
        public static TokenHash Of(string token)
        {
            Span<UInt128> halves = stackalloc UInt128[2];
            SHA256.HashData(MemoryMarshal.AsBytes(token.AsSpan()), MemoryMarshal.AsBytes(halves));
            return new TokenHash(halves[0], halves[1]);
        }
    }
}
