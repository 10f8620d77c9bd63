namespace Crm.EventStore.Audit;

/// <summary>A value of a column that may be NULL, as its bytes; an empty one is not NULL.</summary>
/// <param name="bytes">The bytes.</param>
public readonly ref struct StoredValue(ReadOnlySpan<byte> bytes)
{
    private readonly bool isThere = true;

    /// <summary>Whether it is NULL, as one is that was not given.</summary>
    public bool IsNull => !isThere;

    /// <summary>Its bytes; none where it is NULL.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;
}

/// <summary>
/// A row of <c>mt_events</c> as it is stored, personal data sealed: every column that it has. Texts and JSON are in UTF-8.
/// </summary>
public ref struct StoredRow
{
    /// <summary><c>seq_id</c>.</summary>
    public long Position { get; set; }

    /// <summary><c>id</c>.</summary>
    public Guid Id { get; set; }

    /// <summary><c>stream_id</c>.</summary>
    public Guid? Stream { get; set; }

    /// <summary><c>version</c>.</summary>
    public long Version { get; set; }

    /// <summary><c>type</c>.</summary>
    public StoredValue Type { get; set; }

    /// <summary><c>mt_dotnet_type</c>.</summary>
    public StoredValue DotNetType { get; set; }

    /// <summary><c>timestamp</c>: microseconds since the beginning of 2000 in UTC, as PostgreSQL counts.</summary>
    public long At { get; set; }

    /// <summary><c>data</c>, JSON.</summary>
    public StoredValue Data { get; set; }

    /// <summary><c>bdata</c>.</summary>
    public StoredValue Binary { get; set; }

    /// <summary><c>headers</c>, JSON.</summary>
    public StoredValue Headers { get; set; }

    /// <summary><c>correlation_id</c>.</summary>
    public StoredValue Correlation { get; set; }

    /// <summary><c>causation_id</c>.</summary>
    public StoredValue Causation { get; set; }

    /// <summary><c>tenant_id</c>.</summary>
    public StoredValue Tenant { get; set; }

    /// <summary><c>is_archived</c>.</summary>
    public bool? IsArchived { get; set; }
}
