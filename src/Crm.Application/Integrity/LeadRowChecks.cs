using System.Collections.Frozen;
using Crm.Domain;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>A row of the lead board as it stands, whatever stands in it: nothing here is taken to be right.</summary>
internal sealed record BoardRow(
    Guid LeadId, long? Version, long? Position, string? Status, int? Score, int? ScoreRules, bool? ScoreSetByHand, string? LastName,
    string? Company, string? Email, string? Phone, string? ExternalId, decimal? Amount, string? Currency, DateTimeOffset? CreatedAt,
    DateTimeOffset? UpdatedAt, DateTimeOffset? ContactedAt, DateTimeOffset? QualifiedAt, DateTimeOffset? ConvertedAt,
    DateTimeOffset? DisqualifiedAt)
{
    /// <summary>A page of the board in the order of the leads' ids.</summary>
    public const string PageSql =
        """
        select lead_id, version, position, status, score, score_rules, score_set_by_hand, last_name, company, email, phone, external_id,
            value_amount, value_currency, created_at, updated_at, contacted_at, qualified_at, converted_at, disqualified_at
        from crm_read.lead_board where lead_id > $1 order by lead_id limit $2
        """;

    /// <summary>Reads a row.</summary>
    public static BoardRow Read(NpgsqlDataReader reader)
    {
        T? Value<T>(int column)
            where T : struct => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);
        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        return new BoardRow(
            reader.GetGuid(0), Value<long>(1), Value<long>(2), Text(3), Value<int>(4), Value<int>(5), Value<bool>(6), Text(7), Text(8),
            Text(9), Text(10), Text(11), Value<decimal>(12), Text(13), Value<DateTimeOffset>(14), Value<DateTimeOffset>(15),
            Value<DateTimeOffset>(16), Value<DateTimeOffset>(17), Value<DateTimeOffset>(18), Value<DateTimeOffset>(19));
    }
}

/// <summary>The checks of one lead's row: pure, each true, false, or null where it does not apply.</summary>
internal static class LeadRowChecks
{
    private static readonly FrozenSet<string> Statuses =
        new[] { "new", "contacted", "qualified", "converted", "disqualified" }.ToFrozenSet(StringComparer.Ordinal);

    // A host's clock may be a little ahead of the one that looks.
    private static readonly TimeSpan ClocksDiffer = TimeSpan.FromMinutes(5);

    /// <summary>Each check with what it asks of a row at a time.</summary>
    public static IReadOnlyList<(IntegrityCheck Check, Func<BoardRow, DateTimeOffset, bool?> Holds)> All { get; } =
    [
        (IntegrityCheck.LeadStatus, static (row, _) => row.Status is { } status && Statuses.Contains(status)),
        (IntegrityCheck.LeadIdentity, static (row, _) =>
            new[] { row.LastName, row.Company, row.Email, row.Phone, row.ExternalId }.Any(static text => !string.IsNullOrWhiteSpace(text))),
        (IntegrityCheck.LeadTemperature, static (row, _) => row.Score is not null && (row.ScoreSetByHand is true || row.ScoreRules > 0)),
        (IntegrityCheck.LeadCreated, static (row, _) => row.CreatedAt > DateTimeOffset.UnixEpoch),
        (IntegrityCheck.LeadUpdated, static (row, _) => row.UpdatedAt is { } updated && !(row.CreatedAt > updated)),
        (IntegrityCheck.LeadVersion, static (row, _) => row is { Version: >= 1, Position: >= 1 }),
        (IntegrityCheck.LeadMilestone, static (row, _) => row.Status switch
        {
            "contacted" => row.ContactedAt is not null,
            "qualified" => row.QualifiedAt is not null,
            "converted" => row.ConvertedAt is not null,
            "disqualified" => row.DisqualifiedAt is not null,

            // A new lead has reached nothing; what is no status is another check's.
            _ => null,
        }),
        (IntegrityCheck.LeadCurrency, static (row, _) => (row.Amount, row.Currency) switch
        {
            (null, null) => null,
            (not null, { } currency) => Money.IsCurrency(currency),
            _ => false,
        }),
        (IntegrityCheck.LeadScore, static (row, _) => row.Score is null ? null : row.Score is >= 0 and <= 100),
        (IntegrityCheck.LeadValue, static (row, _) => row.Amount is { } amount ? Money.IsAmount(amount) : null),
        (IntegrityCheck.LeadFuture, static (row, now) => row.CreatedAt is { } created ? created <= now + ClocksDiffer : null),
        (IntegrityCheck.LeadEmail, static (row, _) => row.Email is { } email ? EmailAddress.IsValid(email) : null),
        (IntegrityCheck.LeadPhone, static (row, _) => row.Phone is { } phone ? PhoneNumber.IsPlausible(phone) : null),
    ];
}
