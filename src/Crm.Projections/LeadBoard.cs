using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>
/// The board of leads: one row per lead as it stands now, for lists, filters and search. Archived leads stand in it too;
/// lists leave them out unless they are asked for. Leads whose person was erased do not stand in it.
/// </summary>
public sealed partial class LeadBoard : Projection<LeadRow, SearchText>
{
    /// <inheritdoc/>
    public override string Name => "lead_board";

    /// <inheritdoc/>
    public override int Revision => 4;

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
            // One for each order. What lists are filtered by stands behind the order's key, so that a walk passes over the leads that
            // are not wanted within the index, without a look at each row.
            ("created", "(created_at, lead_id, status, owner_id, source, score)"),
            ("updated", "(updated_at, lead_id, status, owner_id, source, score, created_at)"),
            ("score", "(score, lead_id, status, owner_id, source, created_at)"),
            ("value", "(value_key, lead_id, status, owner_id, source, score, created_at)"),
            ("last_name", "(last_name_key, lead_id, status, owner_id, source, score, created_at)"),
            ("company", "(company_key, lead_id, status, owner_id, source, score, created_at)"),

            // For the few leads of a rare status, owner or source a walk would be long; these are small, since each value is kept once.
            ("status", "(status)"),
            ("owner", "(owner_id)"),
            ("source", "(source)"),
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
        StreamColumn = "lead_id",
        Indexes =
        [
            ("text", "using gin (text public.gin_trgm_ops)"),
            ("tags", "using gin (tags)"),
        ],
    };

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    public override bool Rewrites(object data) => data is LeadErased;

    /// <inheritdoc/>
    public override Evolution<LeadRow, SearchText> Evolve(LeadRow? state, RecordedEvent recorded)
    {
        // A stream without a row that goes on is one that was erased: whatever may come, it stays out of lists.
        if (recorded.Data is LeadErased || (state is null && recorded.Version > 1))
        {
            return new Evolution<LeadRow, SearchText>(null, []);
        }

        var row = LeadRow.Evolve(state, recorded);
        var isSearched = row.SearchVersion == row.Version && !row.Lead.IsErased;
        return new Evolution<LeadRow, SearchText>(row, isSearched ? [SearchText.Of(row)] : []);
    }
}
