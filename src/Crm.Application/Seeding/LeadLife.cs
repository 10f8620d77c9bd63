using System.Globalization;
using Crm.Domain;
using Crm.Domain.Leads;

namespace Crm.Application.Seeding;

/// <summary>
/// One invented lead's life, drawn from a seed: the same number under the same seed always lives the same life. Every step is decided by
/// the commands of today, so it is one that could have happened.
/// </summary>
internal sealed class LeadLife
{
    private static readonly string[] FirstNames =
        [
            "Ada", "Ben", "Carla", "Deniz", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Lars", "Mira", "Nils", "Olga",
            "Pavel",
        ];

    private static readonly string[] LastNames =
        [
            "Arnold", "Becker", "Conti", "Dubois", "Eriksen",
            "Fischer", "Garcia", "Horvat", "Ivanova", "Jansen", "Kowalski", "Lindt",
            "Moreau", "Novak", "Okafor", "Peters",
        ];

    private static readonly string[] Trades =
        ["Bau", "Druck", "Energie", "Garten", "Holz", "Logistik", "Metall", "Optik", "Papier", "Textil"];
    private static readonly string[] Forms = ["GmbH", "AG", "SARL", "Ltd", "BV", "SpA"];
    private static readonly string[] Sources = ["website", "referral", "event", "partner", "advertising", "cold-call"];
    private static readonly string[] Tags = ["newsletter", "priority", "region-north", "region-south", "trial", "renewal"];
    private static readonly string[] Subjects = ["First contact", "Questions about the offer", "Demonstration", "Prices", "Follow-up"];
    private static readonly string[] Losses = ["no budget", "chose another supplier", "no answer", "wrong contact"];

    private readonly Random chance;
    private readonly int seed;
    private readonly int number;
    private readonly DateTimeOffset until;
    private Lead lead = Lead.Initial;
    private DateTimeOffset at;

    private LeadLife(int seed, int number, DateTimeOffset until)
    {
        (this.seed, this.number, this.until) = (seed, number, until);
        chance = new Random(HashOf(seed, number));
        at = until.AddMinutes(-chance.Next(1, 2 * 365 * 24 * 60));
    }

    /// <summary>What happened to it, in order, with the times.</summary>
    public List<(LeadEvent Happened, DateTimeOffset At)> Events { get; } = [];

    /// <summary>The lead's external id.</summary>
    public string ExternalId => string.Create(CultureInfo.InvariantCulture, $"seed-{seed}-{number}");

    /// <summary>Draws a life.</summary>
    /// <param name="seed">The seed of them all.</param>
    /// <param name="number">The lead's number under it.</param>
    /// <param name="until">The time before which everything happened.</param>
    /// <param name="agents">The agents who work on leads.</param>
    public static LeadLife Draw(int seed, int number, DateTimeOffset until, IReadOnlyList<Guid> agents)
    {
        var life = new LeadLife(seed, number, until);
        life.Live(agents);
        return life;
    }

    private void Live(IReadOnlyList<Guid> agents)
    {
        Happen(new CaptureLead(Details(), Owner: null));
        if (Chance(85))
        {
            Later(6);
            Happen(new AssignLead(Agent(agents)));
        }

        if (!Chance(75))
        {
            return;
        }

        for (var contacts = chance.Next(1, 5); contacts > 0; contacts--)
        {
            Later(72);
            Happen(Activity(contacts));
        }

        if (Chance(30))
        {
            Happen(new AddNote(Id("note"), $"{Pick(Subjects)}: {Pick(Losses)} was mentioned."));
        }

        if (Chance(10))
        {
            Later(48);
            Happen(new TransferLead(Agent(agents), "holiday"));
        }

        if (Chance(25))
        {
            Later(96);
            Happen(new DisqualifyLead(Pick(Losses)));
            return;
        }

        if (Chance(55))
        {
            Later(120);
            Happen(new QualifyLead(Chance(20) ? chance.Next(40, 101) : null));
            if (Chance(40))
            {
                Later(480);
                Happen(new ConvertLead(
                    new ConvertedOpportunity($"Order {number}", lead.Details.Value, ExpectedClose: null),
                    new ConvertedCustomer(lead.Details.Company)));
            }
        }

        if (Chance(3))
        {
            Later(240);
            Happen(new ArchiveLead("tidied up"));
        }
    }

    private LeadDetails Details()
    {
        var (first, last) = (Pick(FirstNames), Pick(LastNames));
        var company = $"{last} {Pick(Trades)} {Pick(Forms)}";
        return new LeadDetails(
            Chance(90) ? first : null,
            last,
            Chance(80) ? string.Create(CultureInfo.InvariantCulture, $"{first}.{last}.{number}@example.com").ToLowerInvariant() : null,
            Chance(60) ? string.Create(CultureInfo.InvariantCulture, $"+49 30 {chance.Next(1_000_000, 10_000_000)}") : null,
            Chance(85) ? company : null,
            Chance(95) ? Pick(Sources) : null,
            Chance(80) ? new Money(chance.Next(1, 2_000) * 100m, "EUR") : null,
            Chance(40) ? LeadTags.Normalized([Pick(Tags), Pick(Tags)]) : [],
            ExternalId);
    }

    private LogActivity Activity(int contact)
    {
        var kind = (ActivityKind)chance.Next(5);
        return new LogActivity(Id($"activity-{contact}"), kind, Chance(70) ? ActivityDirection.Out : ActivityDirection.In, at, at)
        {
            Subject = Pick(Subjects),
            DurationSeconds = kind == ActivityKind.Call ? chance.Next(30, 1_800) : null,
        };
    }

    // What today's rules refuse, or what would come too late, simply does not happen.
    private void Happen(ICommand<Lead, LeadEvent> command)
    {
        if (at >= until || command.Decide(lead).Events is not { Count: > 0 } decided)
        {
            return;
        }

        foreach (var happened in decided.Concat(Lead.Aggregate.Follow(lead, decided)).ToList())
        {
            Events.Add((happened, at));
            lead = Lead.Evolve(lead, happened);
        }
    }

    private Agent Agent(IReadOnlyList<Guid> agents) => new(agents[chance.Next(agents.Count)], Exists: true, IsActive: true);

    private bool Chance(int percent) => chance.Next(100) < percent;

    private string Pick(string[] among) => among[chance.Next(among.Length)];

    private void Later(int hoursAtMost) => at = at.AddSeconds(chance.Next(60, hoursAtMost * 3600));

    private Guid Id(string what) => Import.DerivedId.Of("seed", what, ExternalId, Events.Count.ToString(CultureInfo.InvariantCulture));

    // Not HashCode: it differs from process to process.
    private static int HashOf(int seed, int number) => unchecked((int)(((uint)seed * 2_654_435_761u) ^ ((uint)number * 2_246_822_519u)));
}
