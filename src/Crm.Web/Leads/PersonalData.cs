using Crm.Domain.Access;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Leads;

/// <summary>Everything that is held on the person behind a lead: the answer to a person who asks.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="MadeAt">When this was put together.</param>
/// <param name="UpTo">The log's last position then.</param>
/// <param name="Lead">What is known of the person and the company now.</param>
/// <param name="Events">Everything that happened, with who did it, when and why.</param>
/// <param name="Reads">Who looked at the lead where a look is recorded.</param>
/// <param name="Models">Lists and figures in which the lead stands or counts.</param>
/// <param name="Requests">Digests of requests that are kept for two days, so that a repetition has no second effect.</param>
public sealed record PersonalDataBody(
    Guid LeadId,
    DateTimeOffset MadeAt,
    long UpTo,
    LeadBody Lead,
    IReadOnlyList<PersonalEvent> Events,
    IReadOnlyList<PersonalRead> Reads,
    IReadOnlyList<PersonalRows> Models,
    long Requests)
{
    /// <summary>The same as a page to read and print.</summary>
    public string ToHtml() => PersonalDataPage.Of(this);
}

/// <summary>Something that happened to the person's lead.</summary>
/// <param name="Position">Its position in the log.</param>
/// <param name="Version">Its place in the lead's history.</param>
/// <param name="Type">Its stored name.</param>
/// <param name="Says">What happened, in a sentence.</param>
/// <param name="At">When it happened.</param>
/// <param name="RecordedAt">When it was recorded.</param>
/// <param name="Actor">Who did it, as recorded.</param>
/// <param name="ActorName">The actor's name where the actor is a user.</param>
/// <param name="OnBehalfOf">For whom, when an API key acted for a user.</param>
/// <param name="ApiKeyId">The API key that was used.</param>
/// <param name="Reason">Why, in the actor's words.</param>
/// <param name="OperationId">The import, undo or retention that it was part of.</param>
/// <param name="CorrelationId">What request it belongs to.</param>
/// <param name="CausationId">What directly caused it.</param>
/// <param name="Data">The event's own data, whole.</param>
/// <param name="Erased">Whether personal data that stood in it are erased.</param>
public sealed record PersonalEvent(
    long Position,
    long Version,
    string Type,
    string Says,
    DateTimeOffset At,
    DateTimeOffset RecordedAt,
    string? Actor,
    string? ActorName,
    string? OnBehalfOf,
    string? ApiKeyId,
    string? Reason,
    string? OperationId,
    string? CorrelationId,
    string? CausationId,
    RawJson Data,
    bool Erased);

/// <summary>A recorded look at the lead.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who looked, as recorded.</param>
/// <param name="ActorName">The name of who looked.</param>
/// <param name="What">At what.</param>
public sealed record PersonalRead(DateTimeOffset At, string? Actor, string? ActorName, string What);

/// <summary>A list or figure in which the lead stands or counts.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Rows">In how many rows.</param>
public sealed record PersonalRows(string Table, long Rows);

/// <summary><c>GET /leads/{id}/personal-data</c></summary>
public static class PersonalDataEndpoint
{
    /// <summary>Tells everything that is held on a person. The look is recorded before the answer, and stands in it.</summary>
    public static async Task<IResult> Handle(
        Guid id, HttpContext http, PersonalDataFile files, ReadHeaders read, SensitiveReads reads, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        if (!await files.Exists(id, ct))
        {
            throw ReadLeadEndpoint.NotFound();
        }

        await reads.Record(http, SensitiveSubject.PersonalData, id, ct);
        var file = await files.Of(id, RequestHeaders.Now(http), ct);
        return HtmlPage.IsWanted(http.Request)
            ? HtmlPage.Answer(file.ToHtml())
            : Answers.Json(file, LeadsJson.Wire.PersonalDataBody);
    }
}
