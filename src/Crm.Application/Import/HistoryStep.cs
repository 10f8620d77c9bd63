using Crm.Domain;
using Crm.Domain.Leads;

namespace Crm.Application.Import;

/// <summary>What a rule makes of a row.</summary>
/// <param name="Happened">The event that is recorded.</param>
/// <param name="Command">
/// The command that would have to allow it today; what it refuses is an irregular step. Null where none would.
/// </param>
internal readonly record struct StepOutcome(LeadEvent Happened, ICommand<Lead, LeadEvent>? Command);

/// <summary>What a rule sees of a row.</summary>
/// <param name="Row">The row's values.</param>
/// <param name="Lead">The lead before it.</param>
/// <param name="At">The row's time.</param>
/// <param name="Id">The id of the event, and of what it brings into being (an activity, a note).</param>
/// <param name="AgentOf">The user that an agent's name in the source stands for.</param>
internal readonly record struct StepContext(RowValues Row, Lead Lead, DateTimeOffset At, Guid Id, Func<string, Guid> AgentOf);

/// <summary>Reads what a rule of a history map records: one event for each kind of row.</summary>
internal sealed class HistoryStep(IReadOnlyList<string> header, string externalIdColumn)
{
    /// <summary>Where agents' names stand; the import looks them up before it takes the rows.</summary>
    public List<Func<RowValues, string?>> Agents { get; } = [];

    /// <summary>Reads a rule's event; the function answers null where the row turns out to be none.</summary>
    public Func<StepContext, StepOutcome?> Of(MapNode rule)
    {
        var name = rule.Required("event").Text();
        return name switch
        {
            "captured" => Captured(rule.Object("when", "event", "details")),
            "value-changed" => ValueChanged(rule.Object("when", "event", "value")),
            "assigned" => Assigned(rule.Object("when", "event", "agent", "onlyWhenOwnerDiffers")),
            "claimed" => Claimed(rule.Object("when", "event", "agent")),
            "transferred" => Transferred(rule.Object("when", "event", "agent", "reason")),
            "unassigned" => Plain(rule.Object("when", "event"), new LeadUnassigned(), new UnassignLead()),
            "assignment-completed" => WithText(
                rule.Object("when", "event", "outcome"),
                "outcome",
                1_000,
                static text => new(new LeadAssignmentCompleted(text), new CompleteAssignment(default, MayActForOthers: true, text))),
            "activity" => Activity(rule.Object("when", "event", "kind", "direction", "subject", "notes", "durationSeconds", "outcome")),
            "note" => Note(rule.Object("when", "event", "text")),
            "contacted" => Plain(rule.Object("when", "event"), new LeadContacted(), command: null),
            "qualified" => Qualified(rule.Object("when", "event", "score")),
            "disqualified" => Because(rule, static why => new(new LeadDisqualified(why), new DisqualifyLead(why))),
            "reopened" => Because(rule, static why => new(new LeadReopened(why), new ReopenLead(why))),
            "converted" => Plain(rule.Object("when", "event"), new LeadConverted(null, null), new ConvertLead(null, null)),
            "unconverted" => Because(rule, static why => new(new LeadUnconverted(why), new UnconvertLead(why))),
            "archived" => Because(rule, static why => new(new LeadArchived(why), new ArchiveLead(why))),
            "unarchived" => Because(rule, static why => new(new LeadUnarchived(why), new UnarchiveLead(why))),
            _ => throw rule.Required("event").Wrong($"there is no event {name}"),
        };
    }

    private static Func<StepContext, StepOutcome?> Plain(MapNode _, LeadEvent happened, ICommand<Lead, LeadEvent>? command) =>
        _ => new StepOutcome(happened, command);

    private Func<StepContext, StepOutcome?> Because(MapNode rule, Func<string?, StepOutcome> make) =>
        WithText(rule.Object("when", "event", "reason"), "reason", 1_000, make);

    private Func<StepContext, StepOutcome?> WithText(MapNode rule, string name, int longest, Func<string?, StepOutcome> make)
    {
        var text = MapValues.Text(rule.Optional(name), header, name, longest);
        return step => make(text(step.Row));
    }

    private Func<StepContext, StepOutcome?> Captured(MapNode rule)
    {
        var details = DetailsMap.Of(rule.Optional("details"), header, externalIdColumn);
        return step =>
        {
            var known = details(step.Row);
            return new StepOutcome(
                new LeadCaptured(known, LeadScore.Of(known, default), LeadScore.CurrentRules), new CaptureLead(known, Owner: null));
        };
    }

    private Func<StepContext, StepOutcome?> ValueChanged(MapNode rule)
    {
        var value = MapValues.Money(rule.Required("value"), header);
        return step =>
        {
            var now = value(step.Row);
            return now == step.Lead.Details.Value ? null : new StepOutcome(new LeadValueChanged(now), new ChangeLead { Value = now });
        };
    }

    private Func<StepContext, StepOutcome?> Assigned(MapNode rule)
    {
        var onlyWhenDiffers = rule.Optional("onlyWhenOwnerDiffers")?.Flag() ?? false;
        return ToAgent(rule, (step, agent) => onlyWhenDiffers && step.Lead.OwnerId == agent
            ? null
            : new StepOutcome(new LeadAssigned(agent), new AssignLead(Known(agent))));
    }

    private Func<StepContext, StepOutcome?> Claimed(MapNode rule) =>
        ToAgent(rule, static (_, agent) => new StepOutcome(new LeadClaimed(agent), new ClaimLead(Known(agent))));

    private Func<StepContext, StepOutcome?> Transferred(MapNode rule)
    {
        var reason = MapValues.Text(rule.Optional("reason"), header, "reason", 1_000);
        return ToAgent(rule, (step, agent) =>
        {
            var why = reason(step.Row);
            return new StepOutcome(new LeadTransferred(agent, why), new TransferLead(Known(agent), why));
        });
    }

    // A row that names no agent assigns to nobody: it is no assignment.
    private Func<StepContext, StepOutcome?> ToAgent(MapNode rule, Func<StepContext, Guid, StepOutcome?> make)
    {
        var name = MapValues.Text(rule.Required("agent"), header, "agent", 200);
        Agents.Add(name);
        return step => name(step.Row) is { } agent ? make(step, step.AgentOf(agent)) : null;
    }

    // Whether an agent of old times still works here says nothing of whether the step was regular then.
    private static Agent Known(Guid agent) => new(agent, Exists: true, IsActive: true);

    private Func<StepContext, StepOutcome?> Activity(MapNode rule)
    {
        var kind = rule.Required("kind").Choice(Kinds);
        var direction = rule.Required("direction").Choice(Directions);
        var subject = MapValues.Text(rule.Optional("subject"), header, "subject", 1_000);
        var notes = MapValues.Text(rule.Optional("notes"), header, "notes", 10_000);
        var duration = MapValues.Number(rule.Optional("durationSeconds"), header);
        var outcome = MapValues.Text(rule.Optional("outcome"), header, "outcome", 1_000);
        return step =>
        {
            var happened = new LeadActivityLogged(
                step.Id, kind, direction, step.At, subject(step.Row), notes(step.Row), duration(step.Row), outcome(step.Row));
            return new StepOutcome(happened, new LogActivity(step.Id, kind, direction, step.At, step.At));
        };
    }

    private Func<StepContext, StepOutcome?> Note(MapNode rule)
    {
        rule.Required("text");
        var text = MapValues.Text(rule.Optional("text"), header, "text", 10_000);
        return step => text(step.Row) is { } note ? new StepOutcome(new LeadNoteAdded(step.Id, note), new AddNote(step.Id, note)) : null;
    }

    private Func<StepContext, StepOutcome?> Qualified(MapNode rule)
    {
        var score = MapValues.Number(rule.Optional("score"), header);
        return step =>
        {
            var byHand = score(step.Row);
            if (byHand > 100)
            {
                step.Row.Reject($"a score is a number from 0 to 100, not {byHand}");
            }

            return new StepOutcome(new LeadQualified(byHand), new QualifyLead(byHand));
        };
    }

    private static readonly Dictionary<string, ActivityKind> Kinds = new(StringComparer.Ordinal)
    {
        ["call"] = ActivityKind.Call,
        ["email"] = ActivityKind.Email,
        ["meeting"] = ActivityKind.Meeting,
        ["sms"] = ActivityKind.Sms,
        ["visit"] = ActivityKind.Visit,
    };

    private static readonly Dictionary<string, ActivityDirection> Directions = new(StringComparer.Ordinal)
    {
        ["in"] = ActivityDirection.In,
        ["out"] = ActivityDirection.Out,
    };
}
