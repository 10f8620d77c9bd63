using System.Globalization;
using NpgsqlTypes;

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

    /// <summary>Nobody's leads, where none was said.</summary>
    internal bool IsAll => owners is null;

    /// <summary>The owners, in order; not asked where everybody's leads are shown.</summary>
    internal Guid[] Owners => owners ?? [];

    /// <summary>Stands for it in cursors: a cursor of somebody else, or from before a change of teams, belongs to another list.</summary>
    internal string? Key => owners is null ? null : string.Join(',', owners.Select(owner => owner.ToString("N", CultureInfo.InvariantCulture)));
}
