namespace Crm.EventStore.Jobs;

/// <summary>Long work that somebody started and can look at.</summary>
/// <param name="Id">The job.</param>
/// <param name="Kind">What kind of work, such as <c>rebuild</c>.</param>
/// <param name="Subject">On what, such as a projection's name.</param>
/// <param name="State"><c>running</c>, <c>done</c>, <c>failed</c>, or <c>interrupted</c> when its host went away.</param>
/// <param name="Done">How much is done, in the work's own units, such as events.</param>
/// <param name="Total">Of how much; null when not known yet.</param>
/// <param name="Message">What it is doing, or why it failed.</param>
/// <param name="Result">What it came to, as JSON; null while it runs.</param>
/// <param name="RequestedBy">Who started it.</param>
/// <param name="CreatedAt">When it was started.</param>
/// <param name="UpdatedAt">When it last moved.</param>
public sealed record Job(
    Guid Id, string Kind, string Subject, string State, long Done, long? Total, string? Message, string? Result, string? RequestedBy,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>How far a job is.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Done">How much is done.</param>
/// <param name="Total">Of how much.</param>
public sealed record JobProgress(string Phase, long Done, long Total);
