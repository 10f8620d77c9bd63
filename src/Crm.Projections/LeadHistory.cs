using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>A version of a lead's row that another has followed.</summary>
/// <param name="Row">The row; it holds from its <see cref="LeadRow.UpdatedAt"/> and from its <see cref="LeadRow.Position"/>.</param>
/// <param name="ValidTo">When the next version began and this one ended. Equal to its beginning where two came at once.</param>
/// <param name="ToPosition">The position of the event that ended it.</param>
public sealed record ClosedVersion(LeadRow Row, DateTimeOffset ValidTo, long ToPosition);

/// <summary>
/// Every version of every lead's row with its valid range, so that a list as of any moment is a query, not a replay. The version that
/// holds now stands in <c>lead_history_open</c>, the earlier ones in <c>lead_history_closed</c>; each holds from <c>updated_at</c> on
/// (by time) and from <c>position</c> on (by position). All versions of a lead whose person was erased stay, marked and without what they
/// told of the person; no list shows them.
/// </summary>
public sealed class LeadHistory : Projection<LeadRow, ClosedVersion>
{
    /// <inheritdoc/>
    public override string Name => "lead_history";

    /// <inheritdoc/>
    public override int Revision => 4;

    /// <inheritdoc/>
    public override StateTable<LeadRow>? States { get; } = new()
    {
        Name = "lead_history_open",
        Columns = LeadColumns.Of<LeadRow>(row => row),
        PrimaryKey = "lead_id",
        StreamColumn = "lead_id",
        StreamOf = row => row.LeadId,
        Read = LeadColumns.Read,
        Indexes =
        [
            // As on the board, with what bounds a version's range.
            ("created", "(created_at, lead_id, updated_at, status, owner_id)"),
            ("updated", "(updated_at, lead_id, status, owner_id)"),
            ("score", "(score, lead_id, updated_at, status, owner_id)"),
            ("value", "(value_key, lead_id, updated_at, status, owner_id)"),
            ("last_name", "(last_name_key, lead_id, updated_at, status, owner_id)"),
            ("company", "(company_key, lead_id, updated_at, status, owner_id)"),
            ("status", "(status)"),
            ("owner", "(owner_id)"),
            ("position", "(position)"),
        ],
    };

    /// <inheritdoc/>
    public override ReadTable<ClosedVersion>? Entries { get; } = new()
    {
        Name = "lead_history_closed",
        Columns =
        [
            .. LeadColumns.Of<ClosedVersion>(closed => closed.Row),
            ReadTable<ClosedVersion>.Column("valid_to", "timestamptz not null", NpgsqlDbType.TimestampTz, closed => closed.ValidTo),
            ReadTable<ClosedVersion>.Column("to_position", "bigint not null", NpgsqlDbType.Bigint, closed => closed.ToPosition),
        ],
        PrimaryKey = "lead_id, version",
        StreamColumn = "lead_id",
        Indexes =
        [
            ("created", "(created_at, lead_id, updated_at, valid_to, status, owner_id)"),
            ("updated", "(updated_at, lead_id, valid_to, status, owner_id)"),
            ("score", "(score, lead_id, updated_at, valid_to, status, owner_id)"),
            ("value", "(value_key, lead_id, updated_at, valid_to, status, owner_id)"),
            ("last_name", "(last_name_key, lead_id, updated_at, valid_to, status, owner_id)"),
            ("company", "(company_key, lead_id, updated_at, valid_to, status, owner_id)"),
            ("status", "(status)"),
            ("owner", "(owner_id)"),
            ("valid_to", "(valid_to)"),
            ("position", "(position)"),
            ("to_position", "(to_position)"),
        ],
    };

    /// <inheritdoc/>
    public override bool Applies(object data) => data is LeadEvent;

    /// <inheritdoc/>
    public override bool Rewrites(object data) => data is LeadErased;

    /// <inheritdoc/>
    public override Evolution<LeadRow, ClosedVersion> Evolve(LeadRow? state, RecordedEvent recorded)
    {
        var row = LeadRow.Evolve(state, recorded);
        return new Evolution<LeadRow, ClosedVersion>(row, state is null ? [] : [new ClosedVersion(state, row.UpdatedAt, row.Position)]);
    }
}
