namespace Crm.EventStore.Log;

/// <summary>Who did it, for whom, why and as part of what: the metadata of an append, stored beside every event, never in its payload.</summary>
/// <param name="Actor">Who did it: a user's id, <c>system</c>, or <c>source:id</c> for imported history; null where the source names nobody.</param>
/// <param name="OnBehalfOf">For whom, when an API key acts for a user.</param>
/// <param name="CorrelationId">What request or workflow it belongs to.</param>
/// <param name="CausationId">What directly caused it: a request, or the event that a reaction answered.</param>
/// <param name="Reason">Why, in the actor's words.</param>
/// <param name="OperationId">The bulk operation, import or undo that it is part of.</param>
/// <param name="ApiKeyId">The API key that was used.</param>
public sealed record Envelope(
    string? Actor,
    string? OnBehalfOf = null,
    string? CorrelationId = null,
    string? CausationId = null,
    string? Reason = null,
    string? OperationId = null,
    string? ApiKeyId = null)
{
    /// <summary>The system itself did it.</summary>
    public static Envelope System { get; } = new("system");
}
