using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>
/// The board of leads: one row per lead as it stands now, for lists, filters and search. Archived leads stand in it too;
/// lists leave them out unless they are asked for.
/// </summary>
public sealed partial class LeadBoard : Projection<LeadRow, SearchText>
{
    /// <inheritdoc/>
    public override string Name => "lead_board";

    /// <inheritdoc/>
    public override int Revision => 2;

    /// <inheritdoc/>
    public override StateTable<LeadRow>? States { get; } = new()
    {
        Name = "lead_board",
        Columns = LeadColumns.Of<LeadRow>(row => row),
        PrimaryKey = "lead_id",
        StreamColumn = "lead_id",
        StreamOf = row => row.LeadId,
        Read = LeadColumns.Read,
        Indexes =
        [
            ("created", "(created_at, lead_id)"),
            ("updated", "(updated_at, lead_id)"),
            ("score", "(score, lead_id)"),
            ("value", "(value_key, lead_id)"),
            ("last_name", "(last_name_key, lead_id)"),
            ("company", "(company_key, lead_id)"),
            ("status", "(status, created_at, lead_id)"),
            ("owner", "(owner_id, created_at, lead_id)"),
            ("source", "(source, created_at, lead_id)"),
            ("archived", "(created_at, lead_id) where is_archived"),
        ],
    };

    /// <inheritdoc/>
    public override ReadTable<SearchText>? Entries { get; } = new()
    {
        Name = "lead_search",
        Columns =
        [
            ReadTable<SearchText>.Column("lead_id", "uuid not null", NpgsqlDbType.Uuid, entry => entry.LeadId),
            ReadTable<SearchText>.Column("version", "bigint not null", NpgsqlDbType.Bigint, entry => entry.Version),
            ReadTable<SearchText>.Column("text", "text not null", NpgsqlDbType.Text, entry => entry.Text),
            ReadTable<SearchText>.Column("tags", "text[] not null", NpgsqlDbType.Array | NpgsqlDbType.Text, entry => entry.Tags.ToArray()),
        ],
        PrimaryKey = "lead_id, version",
        Indexes =
        [
            ("text", "using gin (text public.gin_trgm_ops)"),
            ("tags", "using gin (tags)"),
        ],
    };

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    public override Evolution<LeadRow, SearchText> Evolve(LeadRow? state, RecordedEvent recorded)
    {
        var row = LeadRow.Evolve(state, recorded);
        return new Evolution<LeadRow, SearchText>(row, row.SearchVersion == row.Version ? [SearchText.Of(row)] : []);
    }
}
