using Crm.Domain.Leads;

namespace Crm.Projections;

/// <summary>
/// What a search looks in, as it stood from one version of a lead on. It stands apart from the board's row, because its
/// indexes (trigrams, tags) cost far more to write than all others together, and a new status or owner does not change it.
/// </summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Version">The version from which on this is what the search looks in (<see cref="LeadRow.SearchVersion"/>).</param>
/// <param name="Text">Names, company, e-mail address and telephone number in lower case, each after a blank.</param>
/// <param name="Tags">The tags.</param>
public sealed record SearchText(Guid LeadId, long Version, string Text, IReadOnlyList<string> Tags)
{
    /// <summary>What a search looks in for this row.</summary>
    public static SearchText Of(LeadRow row)
    {
        var details = row.Lead.Details;
        return new SearchText(row.LeadId, row.SearchVersion, TextOf(details), details.Tags);
    }

    /// <summary>Whether two states of a lead's details differ in what a search looks in.</summary>
    public static bool Differs(LeadDetails one, LeadDetails other) =>
        !ReferenceEquals(one, other)
        && (TextOf(one) != TextOf(other) || !one.Tags.SequenceEqual(other.Tags, StringComparer.Ordinal));

    /// <summary>The form in which texts are compared and sorted.</summary>
    public static string Folded(string text) => text.ToLowerInvariant();

    /// <inheritdoc/>
    public bool Equals(SearchText? other) =>
        other is not null
        && (LeadId, Version, Text) == (other.LeadId, other.Version, other.Text)
        && Tags.SequenceEqual(other.Tags, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(LeadId, Version);

    private static string TextOf(LeadDetails details) => Folded(
        $" {details.FirstName} {details.LastName} {details.Company} {details.Email} {details.Phone}");
}
