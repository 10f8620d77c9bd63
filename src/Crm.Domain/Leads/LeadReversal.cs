namespace Crm.Domain.Leads;

/// <summary>One event of a lead's history, as a reversal looks at it.</summary>
/// <param name="Version">Its place in the history: 1, 2, 3 …</param>
/// <param name="Happened">What happened.</param>
/// <param name="IsUnwanted">Whether it is among what shall be reversed.</param>
public readonly record struct HistoryStep(long Version, LeadEvent Happened, bool IsUnwanted);

/// <summary>What becomes of one field of a lead when somebody's changes to it are reversed.</summary>
public enum FieldOutcome
{
    /// <summary>It gets the value that it would have without the unwanted changes.</summary>
    Reversed,

    /// <summary>It stays: somebody else changed it since, or it is a fact of the record.</summary>
    Kept,

    /// <summary>It should go back and cannot.</summary>
    Failed,
}

/// <summary>What becomes of one field, and why; never the value, which may be personal.</summary>
/// <param name="Field">The field's name, as in the API.</param>
/// <param name="Outcome">What becomes of it.</param>
/// <param name="Why">Why it does not go back; null where it does.</param>
public sealed record FieldReversal(string Field, FieldOutcome Outcome, string? Why = null);

/// <summary>
/// What reversing somebody's changes makes of a lead, field by field and three ways: the value without their changes, the value now, and
/// who changed it last. A field that somebody else has changed since stays as it is.
/// </summary>
/// <remarks>
/// Changes that a reversal has reversed before, and that reversal, count as if neither had happened: so repeating it changes nothing, and
/// two actors' changes can be reversed one after the other. Reversing a reversal brings back what it reversed.
/// </remarks>
/// <param name="Target">The lead as it should stand.</param>
/// <param name="Versions">The unwanted events, apart from those that were reversed before.</param>
/// <param name="Fields">What becomes of each field that they touched.</param>
public sealed record LeadReversal(Lead Target, IReadOnlyList<long> Versions, IReadOnlyList<FieldReversal> Fields)
{
    private const string StaysFact = "What took place stays on the record.";

    private const string LeavesNobody = "Without it nothing would tell this lead from any other.";

    /// <summary>Looks through a history.</summary>
    /// <param name="history">All events of the lead, in order.</param>
    /// <param name="except">Fields that cannot go back, each with why; null for none.</param>
    public static LeadReversal Of(IReadOnlyList<HistoryStep> history, IReadOnlyDictionary<string, string>? except = null)
    {
        var over = ReversedBefore(history);
        var unwanted = history.Where(step => step.IsUnwanted && !over.Contains(step.Version)).Select(static step => step.Version).ToList();
        var now = Lead.Aggregate.Fold(history.Select(static step => step.Happened));
        if (unwanted is [])
        {
            return new LeadReversal(now, [], []);
        }

        var fields = new List<FieldReversal>();
        if (unwanted is [1, ..])
        {
            if (!HasOthersWork(history, over))
            {
                // Its reversed changes would leave a lead without a beginning: it is put away as a whole, as it is.
                return new LeadReversal(now with { IsArchived = true }, unwanted, [new FieldReversal("captured", FieldOutcome.Reversed)]);
            }

            fields.Add(new FieldReversal("captured", FieldOutcome.Kept, "Others have worked on the lead since."));
        }

        return ByField(history, over, now, unwanted, fields, except);
    }

    private static LeadReversal ByField(
        IReadOnlyList<HistoryStep> history, HashSet<long> over, Lead now, List<long> unwanted, List<FieldReversal> outcomes,
        IReadOnlyDictionary<string, string>? except)
    {
        var without = Lead.Initial;
        var touched = new HashSet<LeadField>();
        var last = new HashSet<LeadField>();
        var before = Lead.Initial;
        foreach (var step in history)
        {
            var after = Lead.Evolve(before, step.Happened);

            // The capture is where every lead begins, also one whose capture was unwanted.
            var counts = step.Version == 1 || !over.Contains(step.Version);
            foreach (var field in LeadField.All.Where(field => counts && !field.IsSame(before, after)))
            {
                if (step.IsUnwanted && step.Version > 1)
                {
                    touched.Add(field);
                    last.Add(field);
                }
                else
                {
                    without = field.Take(without, after);
                    last.Remove(field);
                }
            }

            before = after;
        }

        var target = now;
        foreach (var field in LeadField.All.Where(touched.Contains))
        {
            if (!last.Contains(field))
            {
                outcomes.Add(new FieldReversal(field.Name, FieldOutcome.Kept, "Somebody else has changed it since."));
            }
            else if (except?.GetValueOrDefault(field.Name) is { } why)
            {
                outcomes.Add(new FieldReversal(field.Name, FieldOutcome.Failed, why));
            }
            else if (!field.IsSame(without, now))
            {
                target = field.Take(target, without);
                outcomes.Add(new FieldReversal(field.Name, FieldOutcome.Reversed));
            }
        }

        target = StillSomebody(target, now, outcomes);
        AddFacts(history, unwanted, outcomes);
        return new LeadReversal(Scored(target), unwanted, outcomes);
    }

    /// <summary>A lead that nothing identifies could not have been captured: what identified it stays.</summary>
    private static Lead StillSomebody(Lead target, Lead now, List<FieldReversal> outcomes)
    {
        if (target.Details.IdentifiesSomebody() || !now.Details.IdentifiesSomebody())
        {
            return target;
        }

        foreach (var field in LeadField.All.Where(static field => field.Identifies))
        {
            if (outcomes.FindIndex(outcome => outcome.Field == field.Name && outcome.Outcome == FieldOutcome.Reversed) is >= 0 and var at)
            {
                target = field.Take(target, now);
                outcomes[at] = new FieldReversal(field.Name, FieldOutcome.Failed, LeavesNobody);
            }
        }

        return target;
    }

    private static void AddFacts(IReadOnlyList<HistoryStep> history, List<long> unwanted, List<FieldReversal> outcomes)
    {
        var facts = history.Where(step => unwanted.Contains(step.Version)).Select(static step => step.Happened).ToList();
        if (facts.Exists(static happened => happened is LeadActivityLogged))
        {
            outcomes.Add(new FieldReversal("activities", FieldOutcome.Kept, StaysFact));
        }

        if (facts.Exists(static happened => happened is LeadNoteAdded))
        {
            outcomes.Add(new FieldReversal("notes", FieldOutcome.Kept, StaysFact));
        }
    }

    private static Lead Scored(Lead lead) => lead.ScoreSetByHand
        ? lead
        : lead with { Score = LeadScore.Of(lead.Details, lead.Engagement), ScoreRules = LeadScore.CurrentRules };

    /// <summary>The events that reversals have reversed and those reversals, but for reversals that were reversed themselves.</summary>
    private static HashSet<long> ReversedBefore(IReadOnlyList<HistoryStep> history)
    {
        var reversed = new HashSet<long>();
        var reversals = new HashSet<long>();
        foreach (var step in history.Reverse())
        {
            if (step.Happened is LeadChangesReversed reversal && !reversed.Contains(step.Version))
            {
                reversed.UnionWith(reversal.Versions);
                if (!step.IsUnwanted)
                {
                    reversals.Add(step.Version);
                }
            }
        }

        // A reversal that is to be reversed itself is an event like any other, and so is what it reversed.
        foreach (var step in history.Where(static step => step.IsUnwanted))
        {
            if (step.Happened is LeadChangesReversed reversal && !reversed.Contains(step.Version))
            {
                reversed.ExceptWith(reversal.Versions);
            }
        }

        reversed.UnionWith(reversals);
        return reversed;
    }

    // That a score follows from the rules is nobody's work.
    private static bool HasOthersWork(IReadOnlyList<HistoryStep> history, HashSet<long> over) => history.Any(
        step => !step.IsUnwanted && !over.Contains(step.Version) && step.Happened is not LeadScoreChanged);
}
