using System.Globalization;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;
using Microsoft.Net.Http.Headers;

namespace Crm.Web.Leads;

/// <summary><c>GET /leads/{id}</c>: the lead from its own stream, so never behind the log.</summary>
public static class ReadLeadEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("version", ParameterKind.Number, "As it stood at this version."), .. ReadHeaders.TimeTravel,
    ];

    /// <summary>Reads a lead, now or as it stood.</summary>
    public static async Task<IResult> Handle(Guid id, HttpContext http, EventLog log, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        var row = await Find(id, http.Request.Query, log, ct);
        var tag = string.Create(CultureInfo.InvariantCulture, $"\"{row.Version}\"");
        http.Response.Headers.ETag = tag;
        return http.Request.Headers.IfNoneMatch is { Count: > 0 } known && known.Any(value => Holds(value, tag))
            ? Results.StatusCode(StatusCodes.Status304NotModified)
            : Answers.Json(LeadBody.Of(row), LeadsJson.Wire.LeadBody);
    }

    /// <summary>The lead's row at the moment that a request asks for.</summary>
    /// <exception cref="ProblemException">There is no such lead, or there was none then.</exception>
    public static async Task<LeadRow> Find(Guid id, IQueryCollection query, EventLog log, CancellationToken ct) =>
        LeadRow.Fold((await History(id, query, log, ct)).Where(recorded => recorded.Data is LeadEvent)) ?? throw NotFound();

    /// <summary>The lead's events up to the moment that a request asks for.</summary>
    /// <exception cref="ProblemException">The stream has no such version.</exception>
    public static async Task<IReadOnlyList<RecordedEvent>> History(Guid id, IQueryCollection query, EventLog log, CancellationToken ct)
    {
        var moment = ReadHeaders.Moment(query);
        if (query.Number("version", 1, long.MaxValue) is not { } version)
        {
            return moment switch
            {
                { Time: { } time } => await log.ReadStreamAsOf(id, time, ct),
                { Position: { } position } => await log.ReadStreamUpTo(id, position, ct),
                _ => await log.ReadStream(id, ct),
            };
        }

        if (!moment.IsNow)
        {
            throw QueryParameters.Wrong("version", "contradiction", "and asOf or asOfPosition exclude each other.");
        }

        var history = await log.ReadStream(id, ct, to: version);
        return history.Count == version ? history : throw NotFound();
    }

    /// <summary>There is no such lead.</summary>
    public static ProblemException NotFound() => new(Problem.NotFound("There is no such lead, or there was none then."));

    // Comparison is weak: a cache may have marked the tag so.
    private static bool Holds(string? header, string tag) =>
        header == "*" || (EntityTagHeaderValue.TryParseList([header ?? ""], out var tags) && tags.Any(known => known.Tag.Equals(tag, StringComparison.Ordinal)));
}
