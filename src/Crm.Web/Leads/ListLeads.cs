using Crm.Domain.Leads;
using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>A page of leads.</summary>
/// <param name="Items">The leads.</param>
/// <param name="NextCursor">Where the next page goes on; null after the last.</param>
public sealed record LeadsBody(IReadOnlyList<LeadBody> Items, string? NextCursor);

/// <summary><c>GET /leads</c></summary>
public static class ListLeadsEndpoint
{
    private static readonly string[] statuses = ["new", "contacted", "qualified", "converted", "disqualified"];
    private static readonly string[] temperatures = ["hot", "warm", "cool", "cold"];
    private static readonly string[] sorts = ["createdAt", "updatedAt", "score", "value", "lastName", "company"];
    private static readonly string[] orders = [.. sorts, .. sorts.Select(sort => "-" + sort)];

    /// <summary>The query parameters that choose leads.</summary>
    public static QueryParameter[] Filters { get; } =
    [
        new("status", ParameterKind.Word, "Only leads in this status.") { Words = statuses },
        new("temperature", ParameterKind.Word, "Only leads of this temperature.") { Words = temperatures },
        new("ownerId", ParameterKind.Id, "Only leads of this agent."),
        new("source", ParameterKind.Text, "Only leads from this source."),
        new("tag", ParameterKind.Text, "Only leads with this tag."),
        new("archived", ParameterKind.Word, "Archived leads: left out (false, unless told), only them (true), or both (any).") { Words = ["false", "true", "any"] },
        new("createdFrom", ParameterKind.Time, "Only leads captured at this time or later."),
        new("createdTo", ParameterKind.Time, "Only leads captured at this time or before."),
        new("minScore", ParameterKind.Number, "Only leads with this score or more."),
        new("q", ParameterKind.Text, "Only leads in whose names, company, e-mail or phone this stands."),
        new("sort", ParameterKind.Word, "The field to sort by; with a minus the greatest first. -createdAt unless told.") { Words = orders },
        .. ReadHeaders.TimeTravel,
    ];

    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        .. Filters,
        new("limit", ParameterKind.Number, "At most so many leads, 1–200; 25 unless told."),
        new("cursor", ParameterKind.Text, "Where the page goes on: the nextCursor of the page before."),
    ];

    /// <summary>Lists leads.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var query = QueryOf(http.Request.Query);
        var projection = query.AsOf.IsNow ? "lead_board" : "lead_history";
        var wanted = await read.Wait(http, projection, ct);
        var visible = await read.Visible(http, projection, ct);
        try
        {
            var page = await LeadBoard.Page(models.Database, query, visible, ct);
            ReadHeaders.Says(http, Math.Max(wanted, page.Position));
            return Answers.Json(new LeadsBody([.. page.Items.Select(LeadBody.Of)], page.NextCursor), LeadsJson.Wire.LeadsBody);
        }
        catch (BadCursorException bad)
        {
            throw QueryParameters.Wrong("cursor", "invalid-cursor", bad.Message);
        }
    }

    /// <summary>Which leads a request asks for.</summary>
    /// <exception cref="ProblemException">A parameter is wrong.</exception>
    public static LeadQuery QueryOf(IQueryCollection query)
    {
        var sort = query.Word("sort", orders) ?? "-createdAt";
        return new LeadQuery
        {
            Status = query.Word("status", statuses) is { } status ? Words.Status(status) : null,
            Temperature = query.Word("temperature", temperatures) switch
            {
                "hot" => Temperature.Hot,
                "warm" => Temperature.Warm,
                "cool" => Temperature.Cool,
                "cold" => Temperature.Cold,
                _ => null, // not asked for: Word lets no other through
            },
            OwnerId = query.Id("ownerId"),
            Source = query.Text("source"),
            Tag = query.Text("tag"),
            Archived = query.Word("archived", "false", "true", "any") switch { "any" => null, "true" => true, _ => false },
            CreatedFrom = query.Time("createdFrom"),
            CreatedTo = query.Time("createdTo"),
            MinScore = (int?)query.Number("minScore", 0, 100),
            Q = query.Text("q") is { Length: > 0 } text ? text : null,
            Sort = sort.TrimStart('-') switch
            {
                "updatedAt" => LeadSort.UpdatedAt,
                "score" => LeadSort.Score,
                "value" => LeadSort.Value,
                "lastName" => LeadSort.LastName,
                "company" => LeadSort.Company,
                _ => LeadSort.CreatedAt, // "createdAt": Word lets no other through
            },
            Descending = sort.StartsWith('-'),
            Limit = (int)(query.Number("limit", 1, LeadQuery.MostPerPage) ?? 25),
            Cursor = query.Text("cursor", 2_000),
            AsOf = ReadHeaders.Moment(query),
        };
    }
}
