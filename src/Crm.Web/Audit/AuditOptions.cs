namespace Crm.Web.Audit;

/// <summary>What can be set about the provable history: section <c>Crm:Audit</c> of the configuration.</summary>
public sealed record AuditOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Crm:Audit";

    /// <summary>The log's name in its heads; null: one is made with the first key. It must not change while there are heads.</summary>
    public string? Origin { get; init; }

    /// <summary>A PEM file with the P-256 key that signs heads; null when the key is kept in the database.</summary>
    public string? SigningKeyFile { get; init; }

    /// <summary>How often a log that moves is signed.</summary>
    public TimeSpan HeadEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long new events gather before they are taken into the tree.</summary>
    public TimeSpan Gather { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often everything is recomputed.</summary>
    public TimeSpan VerifyEvery { get; init; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Where heads are sent, so that somebody else has them: files that grow by a line each, https addresses that get a POST each.
    /// </summary>
    public IReadOnlyList<string> HeadsTo { get; init; } = [];

    /// <summary>
    /// A PEM file with the authorities that vouch for https addresses of heads, instead of those that the system trusts: for an address
    /// inside a company. Null: the system's.
    /// </summary>
    public string? HeadsTrust { get; init; }

    /// <summary>Whether the settings make sense.</summary>
    public bool IsValid =>
        HeadEvery > TimeSpan.Zero && HeadEvery <= TimeSpan.FromMinutes(1)
        && Gather > TimeSpan.Zero && VerifyEvery >= TimeSpan.FromMinutes(1)
        && (Origin is null || EventStore.Audit.NoteKey.IsName(Origin))
        && HeadsTo.All(static to => to.Length > 0 && !to.StartsWith("http:", StringComparison.OrdinalIgnoreCase));
}
