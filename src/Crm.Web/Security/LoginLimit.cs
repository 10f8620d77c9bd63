using System.Threading.RateLimiting;
using Crm.Application.Users;

namespace Crm.Web.Security;

/// <summary>How often one network address may try to sign in to one account in a minute, on this host.</summary>
public sealed class LoginLimit(SecurityOptions options) : IDisposable
{
    private readonly PartitionedRateLimiter<(string From, string Account)> limiter =
        PartitionedRateLimiter.Create<(string From, string Account), (string, string)>(attempt => RateLimitPartition.GetFixedWindowLimiter(
            attempt,
            _ => new FixedWindowRateLimiterOptions { PermitLimit = options.LoginAttemptsPerMinute, Window = TimeSpan.FromMinutes(1) }));

    /// <summary>Counts an attempt; answers how long to wait when there were too many, else null.</summary>
    public TimeSpan? Exceeded(string from, string email)
    {
        using var lease = limiter.AttemptAcquire((from, UserStream.KeyOf(email)));
        if (lease.IsAcquired)
        {
            return null;
        }

        return lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromMinutes(1);
    }

    /// <inheritdoc/>
    public void Dispose() => limiter.Dispose();
}
