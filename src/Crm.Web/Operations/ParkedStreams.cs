using Crm.EventStore.Projections;
using Crm.Web.Http;

namespace Crm.Web.Operations;

/// <summary>What projections could not apply, the longest parked first.</summary>
public sealed record ParkedBody(IReadOnlyList<Parked> Items);

/// <summary><c>GET /ops/parked</c></summary>
public static class ParkedEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } = [new("limit", ParameterKind.Number, "At most so many, 1–200; 100 unless told.")];

    /// <summary>Lists what is parked.</summary>
    public static async Task<IResult> Handle(HttpContext http, ParkedStreams parked, CancellationToken ct) => Answers.Json(
        new ParkedBody(await parked.List((int)(http.Request.Query.Number("limit", 1, 200) ?? 100), ct)), OperationsJson.Wire.ParkedBody);
}

/// <summary><c>POST /ops/parked/{id}/retry</c></summary>
public static class RetryParkedEndpoint
{
    /// <summary>Applies a parked stream's queue in order, as far as it goes.</summary>
    public static async Task<IResult> Handle(long id, ParkedStreams parked, CancellationToken ct) =>
        await parked.Retry(id, ct) is { } outcome
            ? Answers.Json(outcome, OperationsJson.Wire.RetryOutcome)
            : Problem.NotFound("Nothing is parked under this number.").ToHttp();
}
