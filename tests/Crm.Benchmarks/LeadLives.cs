using System.Text;
using Crm.Application;
using Crm.Domain;
using Crm.Domain.Leads;

namespace Crm.Benchmarks;

/// <summary>
/// Made-up leads and what happens to them: the same number always gives the same lead. An event has about the size of a real one
/// (400 bytes for a capture), and statuses, owners, sources and values are spread as in a sales team of fifty.
/// </summary>
public static class LeadLives
{
    private const int Seed = 20_261_120;

    private static readonly DateTimeOffset Beginning = new(2024, 1, 1, 8, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Span = TimeSpan.FromDays(700);

    private static readonly string[] FirstNames =
    [
        "Amara", "Björn", "Chiara", "Dmitri", "Elif", "Fatima", "Georgios", "Hana", "Ivan", "Jana", "Kofi", "Lucía", "Mats", "Nora", "Olu",
        "Petra",
    ];

    private static readonly string[] LastNames =
    [
        "Abubakar", "Bergström", "Castellanos", "Dimitrov", "Eriksen", "Fernández", "Grünwald", "Haddad", "Ivanova", "Jankowski",
        "Kowalczyk",
        "Lindqvist", "Moreau", "Nakamura", "Okonkwo", "Papadopoulos", "Quintero", "Rasmussen", "Santamaría", "Takahashi", "Ueda",
        "Vasilenko",
        "Wiśniewska", "Yamamoto", "Zimmermann",
    ];

    private static readonly string[] Trades =
    [
        "Logistics", "Bakeries", "Instruments", "Textiles", "Shipyards", "Orchards", "Foundries", "Printing", "Ceramics", "Pharmacies",
        "Sawmills",
    ];

    private static readonly string[] Sources =
        ["website", "referral", "event", "partner", "cold-call", "advertisement", "newsletter", "trade-fair"];

    private static readonly string[] Tags =
    [
        "annual-contract", "budget-approved", "decision-maker", "enterprise", "existing-supplier", "needs-demonstration", "price-sensitive",
        "public-tender", "returning-customer", "technical-evaluation",
    ];

    // None of them moves the score, so that a command on such a lead has one event and not a new score beside it.
    private static readonly ActivityKind[] Contacts = [ActivityKind.Call, ActivityKind.Email, ActivityKind.Sms];

    /// <summary>The agents who own the leads.</summary>
    public static IReadOnlyList<Guid> Agents { get; } = [.. Enumerable.Range(0, 50).Select(AgentId)];

    /// <summary>A capture as it is stored, for the yardstick's rows.</summary>
    public static string CaptureAsJson() => Encoding.UTF8.GetString(EventJson.Catalog.Serialize(Capture(0)));

    /// <summary>The stream of a lead: ordered by time as the product's own ids are.</summary>
    public static Guid LeadId(int lead) => IdOf(0x7000, lead);

    /// <summary>When a lead was captured; later numbers came later.</summary>
    public static DateTimeOffset CapturedAt(int lead, int leads) => Beginning + (Span * ((double)lead / leads));

    /// <summary>The last moment at which anything happens.</summary>
    public static DateTimeOffset End => Beginning + Span + TimeSpan.FromDays(30);

    /// <summary>How many events a lead has in a population where most are young: one to six, three on average.</summary>
    public static int LengthOf(int lead) => new Random(Seed ^ lead).Next(100) switch { < 25 => 1, < 50 => 2, < 75 => 4, < 90 => 5, _ => 6 };

    /// <summary>The capture of a lead.</summary>
    public static LeadCaptured Capture(int lead)
    {
        var random = new Random(Seed + lead);
        var first = FirstNames[random.Next(FirstNames.Length)];
        var last = LastNames[random.Next(LastNames.Length)];
        var (one, other) = (LastNames[random.Next(LastNames.Length)], LastNames[random.Next(LastNames.Length)]);
        var company = $"{one} & {other} {Trades[random.Next(Trades.Length)]} {lead % 977}";
        var tags = Enumerable.Range(0, 4).Select(_ => Tags[random.Next(Tags.Length)]).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        var details = new LeadDetails(
            first, $"{last} {lead % 1009}", $"contact.{lead}@{Trades[random.Next(Trades.Length)].ToLowerInvariant()}-{lead % 4001}.example",
            $"+49 30 {random.Next(1_000_000, 10_000_000)}", company, Sources[random.Next(Sources.Length)],
            new Money(random.Next(5, 4_000) * 50m, "EUR"), [.. tags], ExternalId: null);
        return new LeadCaptured(details, LeadScore.Of(details, default), LeadScore.CurrentRules);
    }

    /// <summary>The first events of a lead's life, with the time of each; at most six.</summary>
    public static IReadOnlyList<(LeadEvent Event, DateTimeOffset At)> Life(int lead, int leads, int length)
    {
        var random = new Random((Seed * 31) + lead);
        var owner = Agents[random.Next(Agents.Count)];
        var at = CapturedAt(lead, leads);
        var contact = at.AddMinutes(random.Next(5, 4_000));
        var life = new List<(LeadEvent, DateTimeOffset)>(6)
        {
            (Capture(lead), at),
            (new LeadAssigned(owner), at.AddMinutes(1 + random.Next(120))),
            (new LeadActivityLogged(
                IdOf(0x8000, lead), Contacts[random.Next(Contacts.Length)], ActivityDirection.Out, contact, "First contact",
                "Asked what they need, who decides and by when; they want to see a demonstration on their own figures next week.",
                240, "reached"), contact),
            (new LeadContacted(), contact),
        };
        life.Add(random.Next(3) > 0
            ? (new LeadQualified(Score: null), contact.AddDays(random.Next(1, 10)))
            : (new LeadDisqualified("No budget this year"), contact.AddDays(random.Next(1, 10))));
        life.Add(life[4].Item1 is LeadQualified
            ? (new LeadConverted(
                new ConvertedOpportunity($"Opportunity {lead}", new Money(random.Next(5, 4_000) * 50m, "EUR"), ExpectedClose: null),
                new ConvertedCustomer($"Customer {lead}")), contact.AddDays(random.Next(10, 20)))
            : (new LeadNoteAdded(IdOf(0x9000, lead), "To be asked again when the next budget is made."),
                contact.AddDays(random.Next(10, 20))));
        return life[..Math.Min(length, life.Count)];
    }

    private static Guid AgentId(int agent) => IdOf(0xA000, agent);

    private static Guid IdOf(int kind, int number)
    {
        var random = new Random(Seed ^ (kind * 7919) ^ number);
        Span<byte> rest = stackalloc byte[8];
        random.NextBytes(rest);
        rest[0] = (byte)((rest[0] & 0x3F) | 0x80);

        // A version 7: 48 bits that grow with the number, then chance.
        var time = 0x18C_0000_0000L + ((long)kind << 24) + (number * 64L);
        return new Guid(
            (uint)(time >> 16), (ushort)time, (ushort)(0x7000 | (random.Next() & 0xFFF)),
            rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6], rest[7]);
    }
}
