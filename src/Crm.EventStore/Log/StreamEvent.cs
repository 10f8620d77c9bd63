namespace Crm.EventStore.Log;

/// <summary>An event as a decision goes by it: what happened, and when; without the envelope, which no decision may depend on.</summary>
/// <param name="Position">Its place in the log.</param>
/// <param name="At">When it happened.</param>
/// <param name="Data">The event, upcast to today's shape.</param>
public readonly record struct StreamEvent(long Position, DateTimeOffset At, object Data);
