using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>A lead's score and what it is made of.</summary>
/// <param name="Score">The score, 0–100.</param>
/// <param name="Temperature">How likely the lead buys.</param>
/// <param name="Rules">The version of the rules that gave it.</param>
/// <param name="SetByHand">Whether it was set by hand; the factors then say what the rules would give.</param>
/// <param name="Factors">What it is made of.</param>
public sealed record ScoreBody(int Score, Temperature Temperature, int Rules, bool SetByHand, IReadOnlyList<ScoreFactor> Factors);

/// <summary><c>GET /leads/{id}/score</c></summary>
public static class LeadScoreEndpoint
{
    /// <summary>Explains a lead's score.</summary>
    public static async Task<IResult> Handle(Guid id, HttpContext http, EventLog log, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        var row = await ReadLeadEndpoint.Find(id, http, log, ct);
        var explained = LeadScore.Explain(row.Lead);
        return Answers.Json(
            new ScoreBody(explained.Score, row.Lead.Temperature, explained.Rules, explained.SetByHand, explained.Factors), LeadsJson.Wire.ScoreBody);
    }
}
