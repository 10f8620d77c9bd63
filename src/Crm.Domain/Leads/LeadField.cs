namespace Crm.Domain.Leads;

/// <summary>A part of a lead that is changed, and can be put back, by itself.</summary>
/// <param name="Name">Its name, as in the API.</param>
/// <param name="IsSame">Whether two states agree in it.</param>
/// <param name="Take">The first state with this part of the second.</param>
internal sealed record LeadField(string Name, Func<Lead, Lead, bool> IsSame, Func<Lead, Lead, Lead> Take)
{
    /// <summary>Whether it can tell the lead from any other.</summary>
    public bool Identifies { get; private init; }

    /// <summary>Every part. The score is one where a hand set it; otherwise it follows from the others.</summary>
    public static IReadOnlyList<LeadField> All { get; } =
    [
        new("status", static (a, b) => a.Status == b.Status, static (into, from) => into with { Status = from.Status }),
        new("archived", static (a, b) => a.IsArchived == b.IsArchived, static (into, from) => into with { IsArchived = from.IsArchived }),

        // An owner and whether their work is open go together: neither means anything with another's.
        new(
            "ownerId",
            static (a, b) => (a.OwnerId, a.AssignmentOpen) == (b.OwnerId, b.AssignmentOpen),
            static (into, from) => into with { OwnerId = from.OwnerId, AssignmentOpen = from.AssignmentOpen }),
        new(
            "score",
            static (a, b) => ByHand(a) == ByHand(b),
            static (into, from) => into with { Score = from.Score, ScoreRules = from.ScoreRules, ScoreSetByHand = from.ScoreSetByHand }),
        Of("firstName", static details => details.FirstName, static (details, value) => details with { FirstName = value }),
        Of("lastName", static details => details.LastName, static (details, value) => details with { LastName = value }, identifies: true),
        Of("email", static details => details.Email, static (details, value) => details with { Email = value }, identifies: true),
        Of("phone", static details => details.Phone, static (details, value) => details with { Phone = value }, identifies: true),
        Of("company", static details => details.Company, static (details, value) => details with { Company = value }, identifies: true),
        Of("source", static details => details.Source, static (details, value) => details with { Source = value }),
        Of("value", static details => details.Value, static (details, value) => details with { Value = value }),
        new(
            "tags",
            static (a, b) => a.Details.Tags.SequenceEqual(b.Details.Tags, StringComparer.Ordinal),
            static (into, from) => into with { Details = into.Details with { Tags = from.Details.Tags } }),
        Of(
            "externalId", static details => details.ExternalId, static (details, value) => details with { ExternalId = value },
            identifies: true),
    ];

    private static LeadField Of<T>(
        string name, Func<LeadDetails, T?> get, Func<LeadDetails, T?, LeadDetails> with, bool identifies = false)
        where T : class => new(
            name,
            (a, b) => Equals(get(a.Details), get(b.Details)),
            (into, from) => into with { Details = with(into.Details, get(from.Details)) })
        {
            Identifies = identifies,
        };

    private static int? ByHand(Lead lead) => lead.ScoreSetByHand ? lead.Score : null;
}
