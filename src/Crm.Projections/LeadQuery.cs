using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Crm.Domain.Leads;

namespace Crm.Projections;

/// <summary>What a list of leads is sorted by. Leads with the same value follow each other by their id.</summary>
public enum LeadSort
{
    /// <summary>When it was captured.</summary>
    CreatedAt,

    /// <summary>When it last changed.</summary>
    UpdatedAt,

    /// <summary>The score.</summary>
    Score,

    /// <summary>The value's amount, whatever the currency; without a value comes before all others.</summary>
    Value,

    /// <summary>The family name, ignoring case; without one comes before all others.</summary>
    LastName,

    /// <summary>The company, ignoring case; without one comes before all others.</summary>
    Company,
}

/// <summary>Which leads, in which order, as of which moment.</summary>
public sealed record LeadQuery
{
    /// <summary>The most leads that a page may hold.</summary>
    public const int MostPerPage = 200;

    /// <summary>Only leads in this status.</summary>
    public LeadStatus? Status { get; init; }

    /// <summary>Only leads of this temperature.</summary>
    public Temperature? Temperature { get; init; }

    /// <summary>Only leads of this agent.</summary>
    public Guid? OwnerId { get; init; }

    /// <summary>Only leads from this source.</summary>
    public string? Source { get; init; }

    /// <summary>Only leads with this tag.</summary>
    public string? Tag { get; init; }

    /// <summary>Archived leads: false leaves them out (unless told otherwise), true lists only them, null lists both.</summary>
    public bool? Archived { get; init; } = false;

    /// <summary>Only leads captured at this time or later.</summary>
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Only leads captured at this time or before it.</summary>
    public DateTimeOffset? CreatedTo { get; init; }

    /// <summary>Only leads with this score or more.</summary>
    public int? MinScore { get; init; }

    /// <summary>
    /// Only leads in whose names, company, e-mail address or telephone number this stands, ignoring case. What has no three letters or
    /// digits in a row is looked for at the beginning of words.
    /// </summary>
    public string? Q { get; init; }

    /// <summary>What the list is sorted by.</summary>
    public LeadSort Sort { get; init; } = LeadSort.CreatedAt;

    /// <summary>Whether the greatest value comes first.</summary>
    public bool Descending { get; init; } = true;

    /// <summary>How many leads a page holds, 1–200.</summary>
    public int Limit { get; init; } = 25;

    /// <summary>Where the page goes on, as the page before said; null for the first.</summary>
    public string? Cursor { get; init; }

    /// <summary>The moment that the list shows.</summary>
    public AsOf AsOf { get; init; }

    /// <summary>
    /// Stands for everything that must be the same on the next page: whose leads, filters, order and moment, not limit and cursor.
    /// </summary>
    internal byte[] Fingerprint(Visibility visible)
    {
        var text = new StringBuilder();
        void Part(string? value)
        {
            // Length first: no two lists of values are told alike.
            text.Append(value is null ? "-" : value.Length.ToString(CultureInfo.InvariantCulture)).Append(':').Append(value).Append(';');
        }

        Part(Status is { } status ? Words.Of(status) : null);
        Part(Temperature is { } temperature ? Words.Of(temperature) : null);
        Part(OwnerId?.ToString("D"));
        Part(Source);
        Part(Tag);
        Part(Archived switch { true => "true", false => "false", null => null });
        Part(CreatedFrom?.UtcTicks.ToString(CultureInfo.InvariantCulture));
        Part(CreatedTo?.UtcTicks.ToString(CultureInfo.InvariantCulture));
        Part(MinScore?.ToString(CultureInfo.InvariantCulture));
        Part(Q);
        Part(((int)Sort).ToString(CultureInfo.InvariantCulture));
        Part(Descending ? "desc" : "asc");
        Part(AsOf.Time?.UtcTicks.ToString(CultureInfo.InvariantCulture));
        Part(AsOf.Position?.ToString(CultureInfo.InvariantCulture));
        Part(visible.Key);
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..8];
    }
}

/// <summary>A page of a list.</summary>
/// <param name="Items">The leads.</param>
/// <param name="NextCursor">Where the next page goes on; null after the last.</param>
/// <param name="Position">Up to which position of the log the list goes at least.</param>
public sealed record LeadPage(IReadOnlyList<LeadRow> Items, string? NextCursor, long Position);

/// <summary>A cursor that is none, or belongs to a list with other filters, order or moment.</summary>
public sealed class BadCursorException(string message) : Exception(message);
