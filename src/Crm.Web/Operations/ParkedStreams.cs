using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Crm.Application;
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
    public static async Task<IResult> Handle(
        long id, HttpContext http, PostedOperation posted, OperationReceipts receipts, ParkedStreams parked, CancellationToken ct) =>
        await receipts.Once(posted.Context, () => Retry(parked, id, ct), ct) switch
        {
            OperationOutcome.Answered { Body: { } body, Replayed: var replayed } => Applied(body, replayed, http),
            OperationOutcome.Answered { Replayed: var replayed } => NothingThere(replayed, http),
            OperationOutcome.KeyReused => Problem.KeyReused.ToHttp(),
            OperationOutcome.InFlight => Problem.InFlight.ToHttp(),
            var unknown => throw new UnreachableException(unknown.ToString()),
        };

    private static async Task<OperationOutcome.Answered> Retry(ParkedStreams parked, long id, CancellationToken ct) =>
        await parked.Retry(id, ct) is { } outcome
            ? new OperationOutcome.Answered(200, Made: null, JsonSerializer.Serialize(outcome, OperationsJson.Wire.RetryOutcome))
            : new OperationOutcome.Answered(404, Made: null, Body: null);

    private static IResult Applied(string body, bool replayed, HttpContext http)
    {
        Answers.SayReplayed(http, replayed);
        return Answers.Json(new RawJson(Encoding.UTF8.GetBytes(body)), OperationsJson.Wire.RawJson);
    }

    private static IResult NothingThere(bool replayed, HttpContext http)
    {
        Answers.SayReplayed(http, replayed);
        return Problem.NotFound("Nothing is parked under this number.").ToHttp();
    }
}
