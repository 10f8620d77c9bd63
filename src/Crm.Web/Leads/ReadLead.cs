using System.Globalization;
using Crm.Application.Permissions;
using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Security;
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
        var row = await Find(id, http, log, ct);
        var tag = string.Create(CultureInfo.InvariantCulture, $"\"{row.Version}\"");
        http.Response.Headers.ETag = tag;
        return http.Request.Headers.IfNoneMatch is { Count: > 0 } known && known.Any(value => Holds(value, tag))
            ? Results.StatusCode(StatusCodes.Status304NotModified)
            : Answers.Json(LeadBody.Of(row), LeadsJson.Wire.LeadBody);
    }

    /// <summary>The lead's row at the moment that a request asks for.</summary>
    /// <exception cref="ProblemException">There is no such lead, or there was none then.</exception>
    public static async Task<LeadRow> Find(Guid id, HttpContext http, EventLog log, CancellationToken ct) =>
        LeadRow.Fold((await History(id, http, log, ct)).Where(recorded => recorded.Data is LeadEvent)) ?? throw NotFound();

    /// <summary>The lead's events up to the moment that a request asks for.</summary>
    /// <exception cref="ProblemException">The stream has no such version, or the lead is not the caller's to see today.</exception>
    public static async Task<IReadOnlyList<RecordedEvent>> History(Guid id, HttpContext http, EventLog log, CancellationToken ct)
    {
        var query = http.Request.Query;
        var moment = ReadHeaders.Moment(query);
        var version = query.Number("version", 1, long.MaxValue);
        if (version is not null && !moment.IsNow)
        {
            throw QueryParameters.Wrong("version", "contradiction", "and asOf or asOfPosition exclude each other.");
        }

        var history = Until(await Visible(id, http, log, ct), moment, version);
        return version is null || history.Count == version ? history : throw NotFound();
    }

    /// <summary>
    /// All of a lead's events. Its owner of today decides who sees them, whatever moment is asked about, so the stream is read to its end
    /// and only then cut. Who looks at a lead that was put away, or at what an erasure left, is recorded.
    /// </summary>
    /// <exception cref="ProblemException">There is no such lead, or it is not theirs to see: one answer for both.</exception>
    public static async Task<IReadOnlyList<RecordedEvent>> Visible(Guid id, HttpContext http, EventLog log, CancellationToken ct)
    {
        var history = await log.ReadStream(id, ct);
        if (history is not [{ Data: LeadEvent }, ..])
        {
            throw NotFound();
        }

        var today = Lead.Aggregate.Fold(history.Select(recorded => (LeadEvent)recorded.Data));
        if (http.User.Scope().To(today.OwnerId) == Access.None)
        {
            throw NotFound();
        }

        if (today.IsArchived || today.IsErased)
        {
            var what = today.IsErased ? SensitiveSubject.ErasedLead : SensitiveSubject.ArchivedLead;
            await http.RequestServices.GetRequiredService<SensitiveReads>().Record(http, what, id, ct);
        }

        return history;
    }

    // An event's effective time is the greatest of its own and those before it: what had happened by a time ends before the first later one.
    private static IReadOnlyList<RecordedEvent> Until(IReadOnlyList<RecordedEvent> history, AsOf moment, long? version) => moment switch
    {
        { Time: { } time } => [.. history.TakeWhile(recorded => recorded.At <= time)],
        { Position: { } position } => [.. history.TakeWhile(recorded => recorded.Position <= position)],
        _ => version is { } to ? [.. history.Take((int)Math.Min(to, int.MaxValue))] : history,
    };

    /// <summary>There is no such lead.</summary>
    public static ProblemException NotFound() => new(Problem.NotFound("There is no such lead, or there was none then."));

    // Comparison is weak: a cache may have marked the tag so.
    private static bool Holds(string? header, string tag) =>
        header == "*" || (EntityTagHeaderValue.TryParseList([header ?? ""], out var tags) && tags.Any(known => known.Tag.Equals(tag, StringComparison.Ordinal)));
}
