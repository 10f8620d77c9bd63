using System.Globalization;

namespace Crm.Projections;

/// <summary>
/// Whose leads a query may show: everybody's, or those that belong today to some owners or to nobody. No query of leads has a default
/// for it, so that none can forget it.
/// </summary>
public readonly record struct Visibility
{
    private readonly Guid[]? owners;

    private Visibility(Guid[]? owners) => this.owners = owners;

    /// <summary>Everybody's leads.</summary>
    public static Visibility All => new(owners: null);

    /// <summary>The leads of these owners, and those that belong to nobody.</summary>
    public static Visibility Of(IEnumerable<Guid> owners) => new([.. owners.Order()]);

    /// <summary>Whether everybody's leads are shown.</summary>
    internal bool IsAll => owners is null;

    /// <summary>The owners, in order; not asked where everybody's leads are shown.</summary>
    internal Guid[] Owners => owners ?? [];

    /// <summary>
    /// The condition that a row belongs today to one of the owners or to nobody. A stream that its projection could not apply is left
    /// out: its row may still name an owner of yesterday.
    /// </summary>
    /// <param name="projection">The projection whose rows they are.</param>
    /// <param name="table">The table's short name in the statement.</param>
    /// <param name="owners">The parameter of the owners, such as <c>$1</c>.</param>
    internal static string Condition(string projection, string table, string owners) =>
        $"({table}.owner_id = any({owners}) or {table}.owner_id is null) and not exists (select from crm.parked k "
        + $"where k.projection = '{projection}' and k.stream_id = {table}.lead_id)";

    /// <summary>Stands for it in cursors: a cursor of somebody else, or from before a change of teams, belongs to another list.</summary>
    internal string? Key => owners is null ? null : string.Join(',', owners.Select(owner => owner.ToString("N", CultureInfo.InvariantCulture)));
}
