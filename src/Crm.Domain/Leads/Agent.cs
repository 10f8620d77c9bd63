namespace Crm.Domain.Leads;

/// <summary>
/// An agent as a command names them, looked up in the list of users before the decision. The list may be a moment old; that is safe,
/// because a lead given to an agent in the instant of their deactivation is found by the reaction to that deactivation.
/// </summary>
/// <param name="Id">The user's stream id.</param>
/// <param name="Exists">Whether there is such a user.</param>
/// <param name="IsActive">Whether the user is active.</param>
public sealed record Agent(Guid Id, bool Exists, bool IsActive)
{
    /// <summary>What happened, if this agent can be given a lead; else why not.</summary>
    internal Decision<LeadEvent> Takes(LeadEvent happened) => WhyNot is { } refusal ? refusal : happened;

    /// <summary>Why this agent cannot be given a lead; null when they can.</summary>
    internal Refusal? WhyNot => (Exists, IsActive) switch
    {
        (true, true) => null,
        (true, false) => LeadRefusals.AgentInactive,
        (false, _) => LeadRefusals.UnknownAgent,
    };
}
