namespace Crm.EventStore.LocalPostgres;

/// <summary>How the product's own PostgreSQL is run.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>False only for tests: nothing is forced to disk. Commits survive the end of the server, not of the machine.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Memory for shared buffers in MB; null: an eighth of the machine's, at least 256 and at most 1,024.</summary>
    public int? SharedBuffersMb { get; init; }

    /// <summary>The folder of the server's programs; null: the setting <c>CRM_PG_BIN</c>, the search path, the distribution's folders.</summary>
    public string? BinFolder { get; init; }

    /// <summary>Further lines of <c>pg_hba.conf</c>: who else may connect than the product's roles.</summary>
    public IReadOnlyList<string> FurtherAccess { get; init; } = [];

    /// <summary>How long a start may take, with recovery after a crash.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(2);
}
