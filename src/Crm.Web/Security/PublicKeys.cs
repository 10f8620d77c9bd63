using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.Application;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>A public key as others read it (RFC 7517).</summary>
/// <param name="Kty">The kind of key: <c>EC</c>.</param>
/// <param name="Crv">The curve: <c>P-256</c>.</param>
/// <param name="X">The point's first coordinate, base64url.</param>
/// <param name="Y">The point's second coordinate, base64url.</param>
/// <param name="Kid">The key's id: its thumbprint (RFC 7638).</param>
/// <param name="Alg">The algorithm: <c>ES256</c>.</param>
/// <param name="Use">What it is for: <c>sig</c>.</param>
public sealed record PublicKeyBody(string Kty, string Crv, string X, string Y, string Kid, string Alg, string Use);

/// <summary>The public keys that our tokens can be checked with.</summary>
/// <param name="Keys">The keys that sign, will sign, or are still taken.</param>
public sealed record PublicKeysBody(IReadOnlyList<PublicKeyBody> Keys);

/// <summary>A signing key as operators see it.</summary>
/// <param name="Kid">The key's id.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ActiveFrom">From when tokens are signed with it.</param>
/// <param name="RetiresAt">From when it is no longer taken; null while no other has followed it.</param>
public sealed record SigningKeyBody(string Kid, DateTimeOffset CreatedAt, DateTimeOffset ActiveFrom, DateTimeOffset? RetiresAt)
{
    /// <summary>A key without its secret.</summary>
    public static SigningKeyBody Of(OurKey key) => new(key.Key.Kid, key.CreatedAt, key.ActiveFrom, key.RetiresAt);
}

/// <summary>All signing keys.</summary>
/// <param name="Items">The keys, the newest first.</param>
public sealed record SigningKeysBody(IReadOnlyList<SigningKeyBody> Items);

/// <summary>The routes of the keys that sign tokens.</summary>
public static class SigningKeyRoutes
{
    private static readonly Problem Configured = new(
        409, "keys-from-files", "The keys come from files.", "The operator changes the files SigningKeyFile and PreviousKeyFiles.");

    /// <summary>Maps the public keys, for everybody.</summary>
    public static void MapPublicKeys(this IEndpointRouteBuilder app) =>
        app.MapGet("/.well-known/jwks.json", Publish).AllowAnonymous().WithTags("Keys")
            .WithSummary("The public keys that access tokens can be checked with (RFC 7517).").Produces<PublicKeysBody>();

    /// <summary>Maps what operators do with the keys.</summary>
    public static void MapSigningKeys(this IEndpointRouteBuilder api)
    {
        var keys = api.MapGroup("/ops/signing-keys").RequireAuthorization(Policies.KeysManage).WithTags("Keys");
        keys.MapGet("", List).WithSummary("The keys that sign access tokens, and their time.").Produces<SigningKeysBody>();
        keys.MapPost("/rotate", Rotate).WithSummary("Make the next signing key; nobody is signed out.")
            .Produces<SigningKeyBody>(201).ProducesProblem(409);
        keys.MapPost("/{kid}/withdraw", Withdraw).WithSummary("End a signing key at once: whoever it signed in signs in again.")
            .Produces<SigningKeyBody>().ProducesProblem(404).ProducesProblem(409);
    }

    private static async Task<IResult> Publish(SigningKeys keys, SecurityOptions options, HttpContext http, CancellationToken ct)
    {
        var all = await keys.All(ct);

        // Whoever keeps this answer no longer than this knows every key before it signs.
        http.Response.Headers.CacheControl = string.Create(CultureInfo.InvariantCulture, $"public, max-age={(long)options.SigningKeyReload.TotalSeconds}");
        return Answers.Json(new PublicKeysBody([.. all.Select(static key => BodyOf(key.Key))]), TokensJson.Wire.PublicKeysBody);
    }

    private static async Task<IResult> List(SigningKeys keys, CancellationToken ct) =>
        Answers.Json(new SigningKeysBody([.. (await keys.All(ct)).Select(SigningKeyBody.Of)]), TokensJson.Wire.SigningKeysBody);

    private static Task<IResult> Rotate(
        PostedOperation posted, OperationReceipts receipts, SigningKeys keys, KeyRotation rotation, HttpContext http, CancellationToken ct) =>
        Once(posted, receipts, keys, http, 201, async () => await rotation.Rotate(posted.Context.Envelope, ct), ct);

    private static Task<IResult> Withdraw(
        string kid, PostedOperation posted, OperationReceipts receipts, SigningKeys keys, KeyRotation rotation, HttpContext http,
        CancellationToken ct) =>
        Once(posted, receipts, keys, http, 200, () => rotation.Withdraw(kid, posted.Context.Envelope, ct), ct);

    private static async Task<IResult> Once(
        PostedOperation posted, OperationReceipts receipts, SigningKeys keys, HttpContext http, int status, Func<Task<OurKey?>> change,
        CancellationToken ct)
    {
        if (keys.AreConfigured)
        {
            return Configured.ToHttp();
        }

        var outcome = await receipts.Once(
            posted.Context,
            async () => await change() is { } next
                ? new OperationOutcome.Answered(
                    status, Made: null, JsonSerializer.Serialize(SigningKeyBody.Of(next), TokensJson.Wire.SigningKeyBody))
                : new OperationOutcome.Answered(404, Made: null, Body: null),
            ct);
        switch (outcome)
        {
            case OperationOutcome.Answered { Body: null }:
                return Problem.NotFound("There is no such signing key, or it has ended.").ToHttp();
            case OperationOutcome.Answered { Body: { } body } answered:
                if (answered.Replayed)
                {
                    http.Response.Headers["Idempotent-Replayed"] = "true";
                }

                return TypedResults.Text(body, "application/json; charset=utf-8", Encoding.UTF8, answered.Status);
            case OperationOutcome.KeyReused:
                return Problem.KeyReused.ToHttp();
            case OperationOutcome.InFlight:
                return Problem.InFlight.ToHttp();
            default:
                throw new UnreachableException(outcome.ToString());
        }
    }

    private static PublicKeyBody BodyOf(SigningKey key)
    {
        var (x, y) = key.Point();
        return new PublicKeyBody("EC", "P-256", StrictBase64Url.Encode(x), StrictBase64Url.Encode(y), key.Kid, key.Algorithm, "sig");
    }
}

/// <summary>The JSON of keys.</summary>
[JsonSerializable(typeof(PublicKeysBody))]
[JsonSerializable(typeof(SigningKeyBody))]
[JsonSerializable(typeof(SigningKeysBody))]
public sealed partial class TokensJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static TokensJson Wire { get; } = new(WireFormats.Options());
}
