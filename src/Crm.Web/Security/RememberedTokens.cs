using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;

namespace Crm.Web.Security;

/// <summary>
/// The tokens and keys that this host has verified, so that a signature is checked once per token, not once per request. Each is checked
/// again against the log and the sessions shortly after (<see cref="SecurityOptions.RecheckAfter"/>): that is how a deactivated user, a
/// changed role and an ended session reach every host without one telling the other. Nothing else remembers that a token has ended: what is
/// forgotten here is verified anew.
/// </summary>
public sealed class RememberedTokens(Proofs proofs, SecurityOptions options, TimeProvider clock)
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<TokenHash, Remembered> known = new();

    /// <summary>Who sends this token, as of now; null when it does not count.</summary>
    public async ValueTask<ClaimsPrincipal?> WhoSends(string token, CancellationToken ct) => (await Admit(token, onBehalfOf: null, ct)).Caller;

    /// <summary>What a token is worth now. A token in use is looked at ahead of time, so that its requests need not wait for that.</summary>
    /// <param name="token">What the request brings behind <c>Bearer</c>.</param>
    /// <param name="onBehalfOf">For whom the request is to act, as its header says; null when it acts for its sender.</param>
    /// <param name="ct">Gives up.</param>
    public ValueTask<Admission> Admit(ReadOnlySpan<char> token, string? onBehalfOf, CancellationToken ct)
    {
        if (token.Length > CompactJws.MaxLength)
        {
            return new ValueTask<Admission>(Admission.None);
        }

        var hash = TokenHash.Of(token, onBehalfOf);
        if (known.TryGetValue(hash, out var remembered))
        {
            return remembered.Fresh(clock, options.RecheckAfter / 2) is { } admission && clock.GetUtcNow() < remembered.Proof.EndsAt
                ? new ValueTask<Admission>(admission)
                : Ask(hash, remembered, ct);
        }

        return Verify(hash, token.ToString(), onBehalfOf, ct);
    }

    private async ValueTask<Admission> Verify(TokenHash hash, string token, string? onBehalfOf, CancellationToken ct)
    {
        if (await proofs.Verify(token, onBehalfOf, ct) is not { } proof)
        {
            return Admission.None;
        }

        MakeRoom();
        return await Ask(hash, known.GetOrAdd(hash, new Remembered(proof)), ct);
    }

    private async ValueTask<Admission> Ask(TokenHash hash, Remembered remembered, CancellationToken ct)
    {
        var admission = clock.GetUtcNow() < remembered.Proof.EndsAt
            ? await remembered.Ask(clock, options.RecheckAfter).WaitAsync(ct)
            : Admission.None;
        if (admission.Caller is null)
        {
            known.TryRemove(hash, out _);
        }

        return admission;
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
            if (remembered.Proof.EndsAt <= now)
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

    /// <summary>A proof and the last look at what it is worth. One look serves every request that waits for it.</summary>
    private sealed class Remembered(Proof proof)
    {
        private readonly Lock gate = new();
        private Looked? last;
        private Looked? ahead;

        public Proof Proof => proof;

        /// <summary>What the last look found, if it is no older; without waiting for anything.</summary>
        public Admission? Fresh(TimeProvider clock, TimeSpan atMost) =>
            Volatile.Read(ref last) is { } looked && looked.Found.IsCompletedSuccessfully && clock.GetElapsedTime(looked.Began) < atMost
                ? looked.Found.Result
                : null;

        /// <summary>
        /// A look that is no older than this. From half that age on the next one is made while the last still counts; one that fails counts
        /// for nothing, so that a host which cannot look admits nobody for longer.
        /// </summary>
        public Task<Admission> Ask(TimeProvider clock, TimeSpan atMost)
        {
            lock (gate)
            {
                if (ahead is { Found.IsCompleted: true } || (ahead is not null && IsOld(last, clock, atMost)))
                {
                    if (!ahead.Found.IsFaulted)
                    {
                        Volatile.Write(ref last, ahead);
                    }

                    ahead = null;
                }

                if (IsOld(last, clock, atMost))
                {
                    Volatile.Write(ref last, Look(clock));
                }
                else if (ahead is null && IsOld(last, clock, atMost / 2))
                {
                    ahead = Look(clock);
                }

                // A look was taken just now if there was none.
                return last!.Found;
            }
        }

        private static bool IsOld(Looked? looked, TimeProvider clock, TimeSpan age) =>
            looked is null or { Found.IsFaulted: true } || clock.GetElapsedTime(looked.Began) >= age;

        // It is not a request's to cancel.
        private Looked Look(TimeProvider clock) => new(clock.GetTimestamp(), proof.Look(CancellationToken.None));
    }

    private sealed record Looked(long Began, Task<Admission> Found);

    private readonly record struct TokenHash(UInt128 High, UInt128 Low)
    {
        public static TokenHash Of(ReadOnlySpan<char> token, string? onBehalfOf)
        {
            Span<UInt128> halves = stackalloc UInt128[2];
            SHA256.HashData(MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(halves));
            if (onBehalfOf is not null)
            {
                // The same key for another user is another proof.
                Span<UInt128> both = stackalloc UInt128[4];
                halves.CopyTo(both);
                SHA256.HashData(MemoryMarshal.AsBytes(onBehalfOf.AsSpan()), MemoryMarshal.AsBytes(both[2..]));
                SHA256.HashData(MemoryMarshal.AsBytes(both), MemoryMarshal.AsBytes(halves));
            }

            return new TokenHash(halves[0], halves[1]);
        }
    }
}
