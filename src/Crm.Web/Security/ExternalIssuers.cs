namespace Crm.Web.Security;

/// <summary>The other issuers whose tokens are taken: those of the settings, and no others, whatever a token names.</summary>
public sealed class ExternalIssuers : IDisposable
{
    private readonly Dictionary<string, ExternalIssuer> issuers = new(StringComparer.Ordinal);
    private readonly ExternalUsers users;

    /// <summary>The issuers of the settings.</summary>
    public ExternalIssuers(SecurityOptions options, ExternalUsers users, IssuerFetch fetch, TimeProvider clock, ILogger<ExternalIssuer> logger)
    {
        this.users = users;
        foreach (var one in options.Issuers)
        {
            issuers.Add(one.Issuer, new ExternalIssuer(one, fetch, clock, logger));
        }
    }

    /// <summary>Verifies a token; null when its issuer is not one of ours, has not signed it, or it does not count here and now.</summary>
    public async ValueTask<Proof?> Verify(CompactJws jws, string issuer, CancellationToken ct)
    {
        if (!issuers.TryGetValue(issuer, out var known)
            || await known.KeyNamed(jws.Kid, ct) is not { } key
            || !jws.IsSignedBy(key)
            || known.Read(jws.Payload) is not { } token)
        {
            return null;
        }

        return new External(this, known, jws, await users.Ensure(issuer, token, ct), token.ExpiresAt);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var issuer in issuers.Values)
        {
            issuer.Dispose();
        }
    }

    // A key that the issuer has withdrawn, or put another in place of, takes its tokens with it.
    private async Task<Admission> Look(ExternalIssuer issuer, CompactJws jws, Guid userId, CancellationToken ct) =>
        await issuer.KeyNamed(jws.Kid, ct) is { } key && jws.IsSignedBy(key) ? await users.Look(userId, ct) : Admission.None;

    private sealed class External(ExternalIssuers issuers, ExternalIssuer issuer, CompactJws jws, Guid userId, DateTimeOffset endsAt) : Proof
    {
        public override DateTimeOffset EndsAt => endsAt;

        public override Task<Admission> Look(CancellationToken ct) => issuers.Look(issuer, jws, userId, ct);
    }
}
