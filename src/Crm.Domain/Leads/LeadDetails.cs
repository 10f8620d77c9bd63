namespace Crm.Domain.Leads;

/// <summary>What is known of the person and the company behind a lead.</summary>
/// <param name="FirstName">Given name.</param>
/// <param name="LastName">Family name.</param>
/// <param name="Email">E-mail address as it was given.</param>
/// <param name="Phone">Telephone number as it was given.</param>
/// <param name="Company">Company.</param>
/// <param name="Source">Where the lead came from, such as <c>referral</c>.</param>
/// <param name="Value">Expected value.</param>
/// <param name="Tags">Labels, sorted, without repetition.</param>
/// <param name="ExternalId">Identifier in the system that the lead came from; unique among all leads.</param>
public sealed record LeadDetails(
    [property: Personal] string? FirstName,
    [property: Personal] string? LastName,
    [property: Personal] string? Email,
    [property: Personal] string? Phone,
    [property: Personal] string? Company,
    string? Source,
    Money? Value,
    IReadOnlyList<string> Tags,
    [property: Personal] string? ExternalId)
{
    /// <summary>Nothing is known.</summary>
    public static LeadDetails Unknown { get; } = new(null, null, null, null, null, null, null, [], null);

    /// <summary>Labels, sorted, without repetition; empty where an event of an older shape does not say any.</summary>
    [Personal]
    public IReadOnlyList<string> Tags { get; init; } = Tags ?? [];

    /// <summary>Whether anything tells this person or company from any other.</summary>
    public bool IdentifiesSomebody() =>
        !(string.IsNullOrWhiteSpace(LastName) && string.IsNullOrWhiteSpace(Company) && string.IsNullOrWhiteSpace(Email)
            && string.IsNullOrWhiteSpace(Phone) && string.IsNullOrWhiteSpace(ExternalId));

    /// <summary>What is left when the person is erased: where the lead came from, and what it is worth.</summary>
    public LeadDetails WithoutPerson() => Unknown with { Source = Source, Value = Value };

    /// <summary>Tags compare by their elements.</summary>
    public bool Equals(LeadDetails? other) =>
        other is not null
        && (FirstName, LastName, Email, Phone, Company, Source, Value, ExternalId)
            == (other.FirstName, other.LastName, other.Email, other.Phone, other.Company, other.Source, other.Value, other.ExternalId)
        && Tags.SequenceEqual(other.Tags, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(FirstName, LastName, Email, Phone, Company, Source, Value, ExternalId);
}

/// <summary>Where a lead stands. Archived is a flag beside it.</summary>
public enum LeadStatus
{
    /// <summary>There is no such lead.</summary>
    Missing,

    /// <summary>Captured, not yet reached out to.</summary>
    New,

    /// <summary>Reached out to.</summary>
    Contacted,

    /// <summary>Worth a salesperson's time.</summary>
    Qualified,

    /// <summary>Became a customer.</summary>
    Converted,

    /// <summary>Will not buy.</summary>
    Disqualified,
}

/// <summary>How likely the lead buys, by its score: hot from 80, warm from 60, cool from 40, cold below.</summary>
public enum Temperature
{
    /// <summary>Score below 40.</summary>
    Cold,

    /// <summary>Score 40–59.</summary>
    Cool,

    /// <summary>Score 60–79.</summary>
    Warm,

    /// <summary>Score 80–100.</summary>
    Hot,
}

/// <summary>How contact took place.</summary>
public enum ActivityKind
{
    /// <summary>A telephone call.</summary>
    Call,

    /// <summary>An e-mail.</summary>
    Email,

    /// <summary>A meeting.</summary>
    Meeting,

    /// <summary>A text message.</summary>
    Sms,

    /// <summary>A visit.</summary>
    Visit,
}

/// <summary>Who reached out.</summary>
public enum ActivityDirection
{
    /// <summary>The lead to us.</summary>
    In,

    /// <summary>We to the lead.</summary>
    Out,
}
