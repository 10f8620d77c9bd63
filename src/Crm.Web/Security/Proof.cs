using System.Security.Claims;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>What a proof is worth at the moment.</summary>
/// <param name="Caller">Who sends the request; null when it does not count.</param>
/// <param name="Because">What the client is told, where that is more than that nobody is signed in.</param>
public readonly record struct Admission(ClaimsPrincipal? Caller, Problem? Because = null)
{
    /// <summary>It does not count.</summary>
    public static Admission None => default;
}

/// <summary>What a request brings to prove who sends it: verified once, and from then on only asked whether it still counts.</summary>
public abstract class Proof
{
    /// <summary>When it ends by itself; at this moment it no longer counts.</summary>
    public abstract DateTimeOffset EndsAt { get; }

    /// <summary>Looks at the log and the sessions: is it still worth something, and whom does it speak for?</summary>
    public abstract Task<Admission> Look(CancellationToken ct);
}
