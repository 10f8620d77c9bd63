namespace Crm.Domain.Leads;

/// <summary>Every fact that may forbid a command to a lead. The codes are part of the HTTP contract.</summary>
public static class LeadRefusals
{
    /// <summary>There is no such lead.</summary>
    public static Refusal NotFound { get; } = new("not-found", "There is no such lead.", RefusalKind.NotFound);

    /// <summary>A lead with this id was captured before.</summary>
    public static Refusal AlreadyExists { get; } = new("already-exists", "There is a lead with this id already.");

    /// <summary>The lead has been put away; it must be unarchived first.</summary>
    public static Refusal Archived { get; } = new("archived", "The lead is archived; unarchive it first.");

    /// <summary>The lead has been put away before.</summary>
    public static Refusal AlreadyArchived { get; } = new("already-archived", "The lead is archived already.");

    /// <summary>The person has been erased: nothing more can happen to the lead.</summary>
    public static Refusal Erased { get; } = new("erased", "The person behind the lead has been erased; nothing more can happen to it.");

    /// <summary>Another agent is working on the lead.</summary>
    public static Refusal AlreadyAssigned { get; } = new("already-assigned", "Another agent has an open assignment to the lead.");

    /// <summary>The agent has been deactivated.</summary>
    public static Refusal AgentInactive { get; } = new("agent-inactive", "The agent is not active and cannot be given leads.");

    /// <summary>There is no such agent.</summary>
    public static Refusal UnknownAgent { get; } = new("unknown-agent", "There is no such agent.", RefusalKind.Invalid, "/agentId");

    /// <summary>The lead belongs to nobody, so there is nobody to transfer it from.</summary>
    public static Refusal NoOwner { get; } = new("not-owner", "The lead has no owner to transfer from.");

    /// <summary>The lead belongs to nobody or to somebody else.</summary>
    public static Refusal NotOwner { get; } = new("not-owner", "The lead is not assigned to this agent.");

    /// <summary>Something is said to have taken place that has not yet.</summary>
    public static Refusal InTheFuture { get; } =
        new("in-the-future", "An activity that has taken place cannot lie in the future.", RefusalKind.Invalid, "/at");

    /// <summary>Nobody has reached out to the lead yet.</summary>
    public static Refusal NotContacted { get; } = new("not-contacted", "The lead has not been contacted yet.");

    /// <summary>The lead was qualified before, with another score.</summary>
    public static Refusal AlreadyQualified { get; } = new("already-qualified", "The lead is qualified already, with another score.");

    /// <summary>The lead is not qualified.</summary>
    public static Refusal NotQualified { get; } = new("not-qualified", "Only a qualified lead can be converted.");

    /// <summary>The lead became a customer.</summary>
    public static Refusal AlreadyConverted { get; } = new("already-converted", "The lead has been converted.");

    /// <summary>The lead did not become a customer.</summary>
    public static Refusal NotConverted { get; } = new("not-converted", "The lead has not been converted.");

    /// <summary>The lead will not buy; it must be reopened first.</summary>
    public static Refusal AlreadyDisqualified { get; } = new("already-disqualified", "The lead is disqualified; reopen it first.");

    /// <summary>The lead did not exist yet at the version or the time that it should go back to.</summary>
    public static Refusal NotFoundAt { get; } = new("not-found-at", "There was no such lead at that version or time.");

    /// <summary>Nothing tells the lead from any other.</summary>
    public static Refusal Unidentified { get; } = new(
        "invalid", "At least one of lastName, company, email, phone and externalId is required.", RefusalKind.Invalid);

    /// <summary>The e-mail address has not the form of one.</summary>
    public static Refusal InvalidEmail { get; } = new("invalid", "This is not an e-mail address.", RefusalKind.Invalid, "/email");

    /// <summary>Too many tags, or too long ones.</summary>
    public static Refusal InvalidTags { get; } = new(
        "invalid", "A lead has at most 50 tags of at most 50 characters each.", RefusalKind.Invalid, "/tags");

    /// <summary>The score is outside 0–100.</summary>
    public static Refusal InvalidScore { get; } = new("invalid", "A score is a number from 0 to 100.", RefusalKind.Invalid, "/score");

    /// <summary>The amount is negative, too great or too fine.</summary>
    /// <param name="of">The money at fault as a JSON pointer, such as <c>/value</c>.</param>
    public static Refusal InvalidAmount(string of) => new(
        "invalid", "An amount is 0 to 1,000,000,000,000 with at most four decimals.", RefusalKind.Invalid, of + "/amount");

    /// <summary>The currency has not the form of a code.</summary>
    /// <param name="of">The money at fault as a JSON pointer, such as <c>/value</c>.</param>
    public static Refusal InvalidCurrency(string of) => new(
        "invalid", "A currency is a code of three capital letters, such as EUR.", RefusalKind.Invalid, of + "/currency");

    /// <summary>A text that outlives an erasure tells who the person was.</summary>
    /// <param name="pointer">The text as a JSON pointer, such as <c>/reason</c>.</param>
    public static Refusal NamesThePerson(string pointer) => new(
        "names-the-person",
        "This text is kept after the erasure: it must not hold the person's name, company, e-mail address, telephone number or external id.",
        RefusalKind.Invalid,
        pointer);

    /// <summary>Why these details cannot stand; null when they can.</summary>
    internal static Refusal? Of(LeadDetails details) =>
        details.Email is not null && !EmailAddress.IsValid(details.Email) ? InvalidEmail
        : !LeadTags.AreValid(details.Tags) ? InvalidTags
        : !details.IdentifiesSomebody() ? Unidentified
        : Of(details.Value, "/value");

    /// <summary>Why this money cannot stand; null when it can.</summary>
    internal static Refusal? Of(Money? money, string pointer) =>
        money is null ? null
        : !Money.IsAmount(money.Amount) ? InvalidAmount(pointer)
        : !Money.IsCurrency(money.Currency) ? InvalidCurrency(pointer)
        : null;
}
