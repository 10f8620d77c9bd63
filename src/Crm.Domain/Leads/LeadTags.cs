namespace Crm.Domain.Leads;

/// <summary>The form of a lead's tags.</summary>
public static class LeadTags
{
    /// <summary>How many tags a lead may have.</summary>
    public const int MaxCount = 50;

    /// <summary>How many characters a tag may have.</summary>
    public const int MaxLength = 50;

    /// <summary>Tags as a lead keeps them: trimmed, without empty ones and repetition, in ordinal order.</summary>
    public static IReadOnlyList<string> Normalized(IEnumerable<string> tags) =>
        [.. tags.Select(tag => tag.Trim()).Where(tag => tag is not []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Whether a lead may keep these tags.</summary>
    public static bool AreValid(IReadOnlyCollection<string> tags) => tags.Count <= MaxCount && tags.All(tag => tag.Length <= MaxLength);
}
