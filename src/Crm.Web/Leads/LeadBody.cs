using Crm.Domain.Leads;
using Crm.Projections;

namespace Crm.Web.Leads;

/// <summary>A lead as clients see it.</summary>
public sealed record LeadBody(
    Guid Id,
    long Version,
    LeadStatus Status,
    bool Archived,
    bool Erased,
    string? FirstName,
    string? LastName,
    string? Email,
    string? Phone,
    string? Company,
    string? Source,
    MoneyBody? Value,
    IReadOnlyList<string> Tags,
    string? ExternalId,
    Guid? OwnerId,
    bool AssignmentOpen,
    int Score,
    Temperature Temperature,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? ContactedAt,
    DateTimeOffset? QualifiedAt,
    DateTimeOffset? ConvertedAt,
    DateTimeOffset? DisqualifiedAt,
    string? DisqualifyReason,
    DateTimeOffset? LastActivityAt,
    int ActivityCount,
    int NoteCount)
{
    /// <summary>A row as clients see it.</summary>
    public static LeadBody Of(LeadRow row)
    {
        var lead = row.Lead;
        var details = lead.Details;
        return new LeadBody(
            row.LeadId,
            row.Version,
            lead.Status,
            lead.IsArchived,
            lead.IsErased,
            details.FirstName,
            details.LastName,
            details.Email,
            details.Phone,
            details.Company,
            details.Source,
            MoneyBody.Of(details.Value),
            details.Tags,
            details.ExternalId,
            lead.OwnerId,
            lead.AssignmentOpen,
            lead.Score,
            lead.Temperature,
            row.CreatedAt,
            row.UpdatedAt,
            row.ContactedAt,
            row.QualifiedAt,
            row.ConvertedAt,
            row.DisqualifiedAt,
            row.DisqualifyReason,
            row.LastActivityAt,
            row.ActivityCount,
            row.NoteCount);
    }
}
