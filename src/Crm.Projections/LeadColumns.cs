using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Projections;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>
/// The columns in which a <see cref="LeadRow"/> stands, the same in the board and in the history: what is written is what is read back.
/// </summary>
public static class LeadColumns
{
    /// <summary>The columns that <see cref="Read"/> reads, in its order.</summary>
    public const string List =
        "lead_id, version, position, status, is_archived, is_erased, owner_id, assignment_open, score, score_rules, score_set_by_hand, "
        + "inward, outward, in_person, first_name, last_name, email, phone, company, source, value_amount, value_currency, "
        + "tags, external_id, "
        + "created_at, updated_at, contacted_at, qualified_at, converted_at, disqualified_at, disqualify_reason, "
        + "last_activity_at, activity_count, note_count, search_version";

    /// <summary>
    /// The columns of a table whose rows hold a lead's row. After those that are read back stand the keys that lists are sorted by
    /// where a value may be missing or differ in case only.
    /// </summary>
    public static IReadOnlyList<Column<TRow>> Of<TRow>(Func<TRow, LeadRow> leadOf)
        where TRow : class
    {
        Column<TRow> Id(string name, string type, Func<LeadRow, Guid?> value) =>
            ReadTable<TRow>.Column<Guid?>(name, type, NpgsqlDbType.Uuid, row => value(leadOf(row)));
        Column<TRow> Long(string name, Func<LeadRow, long> value) =>
            ReadTable<TRow>.Column(name, "bigint not null", NpgsqlDbType.Bigint, row => value(leadOf(row)));
        Column<TRow> Int(string name, Func<LeadRow, int> value) =>
            ReadTable<TRow>.Column(name, "integer not null", NpgsqlDbType.Integer, row => value(leadOf(row)));
        Column<TRow> Flag(string name, Func<LeadRow, bool> value) =>
            ReadTable<TRow>.Column(name, "boolean not null", NpgsqlDbType.Boolean, row => value(leadOf(row)));
        Column<TRow> Text(string name, Func<LeadRow, string?> value, string type = "text") =>
            ReadTable<TRow>.Column(name, type, NpgsqlDbType.Text, row => value(leadOf(row)));
        Column<TRow> Number(string name, string type, Func<LeadRow, decimal?> value) =>
            ReadTable<TRow>.Column(name, type, NpgsqlDbType.Numeric, row => value(leadOf(row)));
        Column<TRow> Time(string name, Func<LeadRow, DateTimeOffset?> value, string type = "timestamptz") =>
            ReadTable<TRow>.Column(name, type, NpgsqlDbType.TimestampTz, row => value(leadOf(row)));
        return
        [
            Id("lead_id", "uuid not null", row => row.LeadId),
            Long("version", row => row.Version),
            Long("position", row => row.Position),
            Text("status", row => Words.Of(row.Lead.Status), "text not null"),
            Flag("is_archived", row => row.Lead.IsArchived),
            Flag("is_erased", row => row.Lead.IsErased),
            Id("owner_id", "uuid", row => row.Lead.OwnerId),
            Flag("assignment_open", row => row.Lead.AssignmentOpen),
            Int("score", row => row.Lead.Score),
            Int("score_rules", row => row.Lead.ScoreRules),
            Flag("score_set_by_hand", row => row.Lead.ScoreSetByHand),
            Int("inward", row => row.Lead.Engagement.Inward),
            Int("outward", row => row.Lead.Engagement.Outward),
            Int("in_person", row => row.Lead.Engagement.InPerson),
            Text("first_name", row => row.Lead.Details.FirstName),
            Text("last_name", row => row.Lead.Details.LastName),
            Text("email", row => row.Lead.Details.Email),
            Text("phone", row => row.Lead.Details.Phone),
            Text("company", row => row.Lead.Details.Company),
            Text("source", row => row.Lead.Details.Source),
            Number("value_amount", "numeric", row => row.Lead.Details.Value?.Amount),
            Text("value_currency", row => row.Lead.Details.Value?.Currency),
            ReadTable<TRow>.Column(
                "tags", "text[] not null", NpgsqlDbType.Array | NpgsqlDbType.Text, row => leadOf(row).Lead.Details.Tags.ToArray()),
            Text("external_id", row => row.Lead.Details.ExternalId),
            Time("created_at", row => row.CreatedAt, "timestamptz not null"),
            Time("updated_at", row => row.UpdatedAt, "timestamptz not null"),
            Time("contacted_at", row => row.ContactedAt),
            Time("qualified_at", row => row.QualifiedAt),
            Time("converted_at", row => row.ConvertedAt),
            Time("disqualified_at", row => row.DisqualifiedAt),
            Text("disqualify_reason", row => row.DisqualifyReason),
            Time("last_activity_at", row => row.LastActivityAt),
            Int("activity_count", row => row.ActivityCount),
            Int("note_count", row => row.NoteCount),
            Long("search_version", row => row.SearchVersion),
            Text("last_name_key", LastNameKey, "text not null"),
            Text("company_key", CompanyKey, "text not null"),
            Number("value_key", "numeric not null", row => ValueKey(row)),
        ];
    }

    /// <summary>What a list sorts by for the family name: in lower case; a missing one comes before all others.</summary>
    public static string LastNameKey(LeadRow row) => SearchText.Folded(row.Lead.Details.LastName ?? "");

    /// <summary>What a list sorts by for the company: in lower case; a missing one comes before all others.</summary>
    public static string CompanyKey(LeadRow row) => SearchText.Folded(row.Lead.Details.Company ?? "");

    /// <summary>What a list sorts by for the value: its amount, whatever the currency; a missing one comes before all others.</summary>
    public static decimal ValueKey(LeadRow row) => row.Lead.Details.Value?.Amount ?? -1;

    /// <summary>Reads a row whose first columns are those of <see cref="List"/>.</summary>
    public static LeadRow Read(NpgsqlDataReader reader)
    {
        var column = 0;
        var leadId = reader.GetGuid(column++);
        var version = reader.GetInt64(column++);
        var position = reader.GetInt64(column++);
        var lead = new Lead
        {
            Status = Words.Status(reader.GetString(column++)),
            IsArchived = reader.GetBoolean(column++),
            IsErased = reader.GetBoolean(column++),
            OwnerId = Nullable<Guid>(reader, column++),
            AssignmentOpen = reader.GetBoolean(column++),
            Score = reader.GetInt32(column++),
            ScoreRules = reader.GetInt32(column++),
            ScoreSetByHand = reader.GetBoolean(column++),
            Engagement = new Engagement(reader.GetInt32(column++), reader.GetInt32(column++), reader.GetInt32(column++)),
            Details = new LeadDetails(
                FirstName: Text(reader, column++),
                LastName: Text(reader, column++),
                Email: Text(reader, column++),
                Phone: Text(reader, column++),
                Company: Text(reader, column++),
                Source: Text(reader, column++),
                Value: Value(reader, column++, column++),
                Tags: reader.GetFieldValue<string[]>(column++),
                ExternalId: Text(reader, column++)),
        };
        return new LeadRow
        {
            LeadId = leadId,
            Version = version,
            Position = position,
            Lead = lead,
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(column++),
            UpdatedAt = reader.GetFieldValue<DateTimeOffset>(column++),
            ContactedAt = Nullable<DateTimeOffset>(reader, column++),
            QualifiedAt = Nullable<DateTimeOffset>(reader, column++),
            ConvertedAt = Nullable<DateTimeOffset>(reader, column++),
            DisqualifiedAt = Nullable<DateTimeOffset>(reader, column++),
            DisqualifyReason = Text(reader, column++),
            LastActivityAt = Nullable<DateTimeOffset>(reader, column++),
            ActivityCount = reader.GetInt32(column++),
            NoteCount = reader.GetInt32(column++),
            SearchVersion = reader.GetInt64(column),
        };
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static T? Nullable<T>(NpgsqlDataReader reader, int column)
        where T : struct => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    private static Money? Value(NpgsqlDataReader reader, int amount, int currency) =>
        reader.IsDBNull(amount) ? null : new Money(reader.GetDecimal(amount), reader.GetString(currency));
}
