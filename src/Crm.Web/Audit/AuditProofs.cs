using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Crm.EventStore.Audit;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Audit;

/// <summary>A signed head of the audit tree.</summary>
/// <param name="Origin">The log's name.</param>
/// <param name="Size">How many events it is of: the last one's position.</param>
/// <param name="Root">The root, base64.</param>
/// <param name="At">When it was signed.</param>
/// <param name="Note">The signed note, to be checked and kept.</param>
public sealed record CheckpointBody(string Origin, long Size, string Root, DateTimeOffset At, string Note)
{
    /// <summary>A head.</summary>
    public static CheckpointBody Of(AuditHead head) =>
        new(TreeHead.Parse(SignedNote.Parse(head.Note).Text).Origin, head.Size, Convert.ToBase64String(head.Root), head.At, head.Note);
}

/// <summary>That an event stands in the log.</summary>
/// <param name="Position">The event's position; its leaf is that number less one.</param>
/// <param name="Size">The size of the tree.</param>
/// <param name="Leaf">The event's canonical object, as it is stored.</param>
/// <param name="LeafHash">Its RFC 6962 hash, base64.</param>
/// <param name="Proof">The hashes from the leaf up, base64.</param>
/// <param name="Root">The root that they lead to, base64.</param>
public sealed record InclusionBody(long Position, long Size, string Leaf, string LeafHash, IReadOnlyList<string> Proof, string Root);

/// <summary>That the log of one size begins with that of another.</summary>
/// <param name="First">The smaller size.</param>
/// <param name="Second">The larger.</param>
/// <param name="FirstRoot">The root at the first, base64.</param>
/// <param name="SecondRoot">The root at the second, base64.</param>
/// <param name="Proof">The hashes, base64.</param>
public sealed record ConsistencyBody(long First, long Second, string FirstRoot, string SecondRoot, IReadOnlyList<string> Proof);

/// <summary>A public key of the audit tree.</summary>
/// <param name="Vkey">The key as C2SP signed-note writes it.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record AuditKeyBody(string Vkey, DateTimeOffset CreatedAt);

/// <summary>The public keys of the audit tree.</summary>
/// <param name="Items">The keys, the newest, which signs, first.</param>
public sealed record AuditKeysBody(IReadOnlyList<AuditKeyBody> Items);

/// <summary>The JSON of proofs, source-generated.</summary>
[JsonSerializable(typeof(CheckpointBody))]
[JsonSerializable(typeof(InclusionBody))]
[JsonSerializable(typeof(ConsistencyBody))]
[JsonSerializable(typeof(AuditKeysBody))]
public sealed partial class AuditProofsJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static AuditProofsJson Wire { get; } = new(WireFormats.Options());
}

/// <summary>The routes by which anybody who may audit checks that history was not altered.</summary>
public static class AuditProofs
{
    private static readonly QueryParameter[] proofQuery =
        [new("size", ParameterKind.Number, "The size of the tree that it is proved to stand in; that of the last head unless told.")];

    private static readonly QueryParameter[] consistencyQuery =
    [
        new("first", ParameterKind.Number, "The smaller size, at least 1.") { Required = true },
        new("second", ParameterKind.Number, "The larger size.") { Required = true },
    ];

    private static readonly Problem nothing = Problem.NotFound("The log is empty: there is nothing to sign or to prove.");

    /// <summary>Maps them.</summary>
    public static void MapAuditProofs(this IEndpointRouteBuilder api)
    {
        var audit = api.MapGroup("/audit").WithTags("Audit").RequireAuthorization(Policies.Audit);
        audit.MapGet("/checkpoint", Checkpoint).Produces<CheckpointBody>().Produces<string>(200, "text/plain")
            .WithSummary("The last signed head of the audit tree: as a C2SP signed note, or as JSON where that is asked for.");
        audit.MapGet("/proof/{position:long}", Inclusion).Takes(proofQuery).Produces<InclusionBody>()
            .WithSummary("That an event stands in the log (RFC 6962, inclusion).");
        audit.MapGet("/consistency", Consistency).Takes(consistencyQuery).Produces<ConsistencyBody>()
            .WithSummary("That the log of one size begins with that of a smaller one (RFC 6962, consistency).");
        audit.MapGet("/key", Keys).Produces<AuditKeysBody>().WithSummary("The public keys that heads are checked with.");
        api.MapPost("/ops/audit/head", SignNow).WithTags("Audit").RequireAuthorization(Policies.Ops).Produces<CheckpointBody>()
            .WithSummary("Sign the log as it is at this moment.");
    }

    private static async Task<IResult> Checkpoint(HttpContext http, AuditTree tree, AuditFollower follower, CancellationToken ct)
    {
        if (await tree.LastHead(ct) is not { } head)
        {
            return await follower.SignNow(ct) is { } signed ? Answer(http, signed) : nothing.ToHttp();
        }

        return Answer(http, head);
    }

    private static async Task<IResult> Inclusion(
        long position, HttpContext http, AuditTree tree, AuditFollower follower, CancellationToken ct)
    {
        if (await Largest(tree, follower, ct) is not { } largest)
        {
            return nothing.ToHttp();
        }

        var size = http.Request.Query.Number("size", 1, largest.Tree) ?? largest.Head;
        if (position < 1 || position > size)
        {
            return Problem.NotFound(
                string.Create(CultureInfo.InvariantCulture, $"The tree of size {size} holds positions 1 to {size}.")).ToHttp();
        }

        // Not null: every position of the tree is one of the log.
        var leaf = await tree.Leaf(position, ct) ?? throw new AuditTreeBrokenException($"Position {position} is not there any more.");
        var proof = await tree.ProveInclusion(position, size, ct);
        return Answers.Json(
            new InclusionBody(
                position, size, Encoding.UTF8.GetString(leaf), Convert.ToBase64String(await tree.LeafHash(position, ct)), Texts(proof),
                Convert.ToBase64String(proof.Root)),
            AuditProofsJson.Wire.InclusionBody);
    }

    private static async Task<IResult> Consistency(HttpContext http, AuditTree tree, AuditFollower follower, CancellationToken ct)
    {
        if (await Largest(tree, follower, ct) is not { } largest)
        {
            return nothing.ToHttp();
        }

        var query = http.Request.Query;
        var first = query.Number("first", 1, largest.Tree) ?? throw Missing("first");
        var second = query.Number("second", 1, largest.Tree) ?? throw Missing("second");
        if (first > second)
        {
            throw QueryParameters.Wrong("first", "out-of-order", "is larger than second.");
        }

        var proof = await tree.ProveConsistency(first, second, ct);
        return Answers.Json(
            new ConsistencyBody(
                first, second, Convert.ToBase64String(await tree.Root(first, ct)), Convert.ToBase64String(proof.Root), Texts(proof)),
            AuditProofsJson.Wire.ConsistencyBody);
    }

    private static async Task<IResult> Keys(AuditSigning signing, CancellationToken ct) => Answers.Json(
        new AuditKeysBody([.. (await signing.Public(ct)).Select(static key => new AuditKeyBody(key.Public.ToString(), key.CreatedAt))]),
        AuditProofsJson.Wire.AuditKeysBody);

    private static async Task<IResult> SignNow(AuditFollower follower, CancellationToken ct) =>
        await follower.SignNow(ct) is { } head
            ? Answers.Json(CheckpointBody.Of(head), AuditProofsJson.Wire.CheckpointBody)
            : nothing.ToHttp();

    private static IResult Answer(HttpContext http, AuditHead head)
    {
        ReadHeaders.Says(http, head.Size);
        return http.Request.GetTypedHeaders().Accept.Any(static accepted => accepted.MediaType == "application/json")
            ? Answers.Json(CheckpointBody.Of(head), AuditProofsJson.Wire.CheckpointBody)
            : Results.Text(head.Note, "text/plain", Encoding.UTF8);
    }

    /// <summary>The sizes of the last head and of the tree; null while there are none.</summary>
    private static async Task<(long Head, long Tree)?> Largest(AuditTree tree, AuditFollower follower, CancellationToken ct) =>
        (await tree.LastHead(ct) ?? await follower.SignNow(ct)) is { } head
            ? (head.Size, Math.Max(head.Size, (await tree.Progress(ct)).Size))
            : null;

    private static ProblemException Missing(string name) => QueryParameters.Wrong(name, "required", "is missing.");

    private static IReadOnlyList<string> Texts(TreeProof proof) => [.. proof.Hashes.Select(Convert.ToBase64String)];
}
