using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Projections.Tests;

/// <summary>Tells events in order, as the log would hold them: positions and versions count by themselves.</summary>
public sealed class Story
{
    public static readonly DateTimeOffset Start = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    public static readonly LeadDetails Ada = new(
        "Ada", "Lovelace", "ada@example.org", "+44 20 7946 0000", "Analytical Engines", "referral", new Money(1234.50m, "EUR"),
        ["maths", "vip"], "ext-1");

    private readonly Dictionary<Guid, long> versions = [];
    private readonly List<RecordedEvent> events = [];

    public IReadOnlyList<RecordedEvent> Events => events;

    public static Guid Id(int number) => new($"00000000-0000-7000-8000-{number:D12}");

    public static DateTimeOffset Minute(double minute) => Start.AddMinutes(minute);

    public Story Then(int stream, object happened, double minute, string? actor = "system", string? reason = null) =>
        Then(Id(stream), happened, Minute(minute), new Envelope(actor, Reason: reason));

    public Story Then(Guid stream, object happened, DateTimeOffset at, Envelope envelope)
    {
        var version = versions.GetValueOrDefault(stream) + 1;
        versions[stream] = version;
        events.Add(new RecordedEvent(
            events.Count + 1, Guid.CreateVersion7(at), stream, version, NameOf(happened), happened, at,
            Start.AddDays(100).AddSeconds(events.Count), envelope));
        return this;
    }

    public static LeadCaptured Captured(string? source = "referral", decimal? value = 100, string currency = "EUR", int score = 40) => new(
        Ada with { Source = source, Value = value is { } amount ? new Money(amount, currency) : null, ExternalId = null }, score, 1);

    public static LeadActivityLogged Call(double minute, ActivityDirection direction = ActivityDirection.Out,
        ActivityKind kind = ActivityKind.Call) =>
        new(Id(900_000), kind, direction, Minute(minute), "Hello", null, null, null);

    private static string NameOf(object happened) =>
        (happened is LeadEvent ? LeadEvent.StoredNames : UserEvent.StoredNames).Single(stored => stored.Value == happened.GetType()).Key;
}
