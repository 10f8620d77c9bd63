namespace Crm.Domain.Leads;

/// <summary>One reason for a lead's score.</summary>
/// <param name="Factor">Stable name of the factor, such as <c>email</c>.</param>
/// <param name="Points">Points it gives.</param>
/// <param name="Why">One sentence for people.</param>
public sealed record ScoreFactor(string Factor, int Points, string Why);

/// <summary>A lead's score and what gave it.</summary>
/// <param name="Score">The score as recorded, 0–100.</param>
/// <param name="Rules">The version of the rules that gave it; 0 before any did.</param>
/// <param name="SetByHand">Whether it was set by hand when the lead was qualified.</param>
/// <param name="Factors">The factors; their points add up to the score.</param>
public sealed record ScoreExplanation(int Score, int Rules, bool SetByHand, IReadOnlyList<ScoreFactor> Factors);

/// <summary>The explicit, versioned rules that give a lead its score.</summary>
public static class LeadScore
{
    /// <summary>The version of the rules in force.</summary>
    public const int CurrentRules = 1;

    /// <summary>How likely a lead with this score buys (S1-059, S1-061).</summary>
    public static Temperature TemperatureOf(int score) => score switch
    {
        >= 80 => Temperature.Hot,
        >= 60 => Temperature.Warm,
        >= 40 => Temperature.Cool,
        _ => Temperature.Cold,
    };

    /// <summary>The factors of a lead's score by the rules in force; their points add up to the score, 0–100.</summary>
    public static IReadOnlyList<ScoreFactor> Breakdown(LeadDetails details, Engagement engagement)
    {
        var factors = new List<ScoreFactor>();
        void Add(string factor, int points, string why)
        {
            if (points > 0)
            {
                factors.Add(new ScoreFactor(factor, points, why));
            }
        }

        Add("name", string.IsNullOrWhiteSpace(details.LastName) ? 0 : 5, "A family name is known.");
        Add("email", string.IsNullOrWhiteSpace(details.Email) ? 0 : 15, "An e-mail address is known.");
        Add("phone", string.IsNullOrWhiteSpace(details.Phone) ? 0 : 10, "A telephone number is known.");
        Add("company", string.IsNullOrWhiteSpace(details.Company) ? 0 : 10, "A company is known.");
        Add("value", ValuePoints(details.Value), "The expected value, the higher the more.");
        Add("source", SourcePoints(details.Source), details.Source is "referral" ? "Referrals buy most often." : "The source is known.");
        Add("inward", Math.Min(engagement.Inward * 5, 15), "The lead reached out to us: 5 points each time, at most 15.");
        Add("in-person", engagement.InPerson > 0 ? 10 : 0, "There was a meeting or a visit.");
        return factors;
    }

    /// <summary>The score by the rules in force, 0–100.</summary>
    public static int Of(LeadDetails details, Engagement engagement) =>
        Math.Clamp(Breakdown(details, engagement).Sum(factor => factor.Points), 0, 100);

    /// <summary>
    /// Why a lead has the score it has. Where the recorded score is not what the rules in force give today (set by hand, imported with its
    /// history, given by older rules), the difference is a factor of its own, so that the points always add up.
    /// </summary>
    public static ScoreExplanation Explain(Lead lead)
    {
        if (lead.ScoreSetByHand)
        {
            var byHand = new ScoreFactor("by-hand", lead.Score, "The score was set by hand.");
            return new(lead.Score, lead.ScoreRules, SetByHand: true, [byHand]);
        }

        var factors = Breakdown(lead.Details, lead.Engagement);
        var since = lead.Score - factors.Sum(factor => factor.Points);
        return new(lead.Score, lead.ScoreRules, SetByHand: false, since == 0
            ? factors
            : [.. factors, new ScoreFactor("not-rescored", since, "The score has not been computed anew by the rules in force.")]);
    }

    /// <summary>The new score, where what was decided moves it; nothing where it stays or was set by hand.</summary>
    public static IReadOnlyList<LeadEvent> Follow(Lead before, IReadOnlyList<LeadEvent> decided)
    {
        // A restored lead gets back the score it had, a reversal brings its own; an archived lead rests until it is unarchived, an erased one
        // for good.
        if (decided is [] or [.., LeadRestored or LeadChangesReversed or LeadCaptureTimeCorrected or LeadArchived or LeadErased])
        {
            return [];
        }

        var after = decided.Aggregate(before, Lead.Evolve);
        var score = Of(after.Details, after.Engagement);
        return after.ScoreSetByHand || after.Score == score ? [] : [new LeadScoreChanged(score, CurrentRules)];
    }

    private static int ValuePoints(Money? value) => value?.Amount switch
    {
        null or <= 0 => 0,
        >= 100_000 => 20,
        >= 10_000 => 15,
        >= 1_000 => 10,
        _ => 5,
    };

    private static int SourcePoints(string? source) => source switch
    {
        null or "" or "unknown" => 0,
        "referral" => 15,
        "website" or "event" or "partner" => 10,
        _ => 5,
    };
}
