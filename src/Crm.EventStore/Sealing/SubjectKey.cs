using Crm.EventStore.Log;

namespace Crm.EventStore.Sealing;

/// <summary>
/// The key of one stream's personal data as the database holds it: wrapped by a master key, destroyed, or not there because the stream has
/// held no personal data yet. It goes from the read that a decision was made on to the append, and is kept by nobody.
/// </summary>
public sealed class SubjectKey
{
    /// <summary>How many bytes a key has.</summary>
    internal const int Length = 32;

    private readonly byte[]? wrapped;
    private readonly string? master;

    private SubjectKey(byte[]? wrapped, string? master) => (this.wrapped, this.master) = (wrapped, master);

    /// <summary>The stream has no key yet.</summary>
    public static SubjectKey None { get; } = new(null, null);

    /// <summary>The stream's key was destroyed.</summary>
    public static SubjectKey Destroyed { get; } = new(null, "");

    /// <summary>Whether the stream has none yet.</summary>
    public bool IsNone => master is null;

    /// <summary>Whether it was destroyed: what it sealed is erased.</summary>
    public bool IsDestroyed => master is not null && wrapped is null;

    /// <summary>The key of a row of <c>crm.subject_keys</c>; of nulls, where there is no row.</summary>
    internal static SubjectKey Of(byte[]? wrapped, string? master) => (wrapped, master) switch
    {
        (null, null) => None,
        (null, _) => Destroyed,
        _ => new(wrapped, master),
    };

    /// <summary>Makes a key for a stream, wrapped.</summary>
    internal static NewSubjectKey Make(Guid stream, MasterKeys masters, out byte[] plain)
    {
        plain = new byte[Length];
        RandomBytes.Fill(plain);
        var current = masters.Current;
        return new NewSubjectKey(stream, current.Seal(PlaceOf(stream), plain), current.Id);
    }

    /// <summary>The key itself.</summary>
    /// <exception cref="SubjectKeyMissingException">There is none.</exception>
    /// <exception cref="MasterKeyUnknownException">This host does not have the master key that wrapped it.</exception>
    /// <exception cref="LogCorruptException">It does not open: the row was changed.</exception>
    internal byte[] Unwrap(Guid stream, MasterKeys masters)
    {
        if (wrapped is null || master is null)
        {
            throw new SubjectKeyMissingException(stream);
        }

        var with = masters.Named(master) ?? throw new MasterKeyUnknownException(master);
        try
        {
            return with.Open(PlaceOf(stream), wrapped);
        }
        catch (SealBrokenException broken)
        {
            throw new LogCorruptException($"The key of stream {stream} does not open.", broken);
        }
    }

    /// <summary>Keeps the key out of whatever prints it.</summary>
    public override string ToString() => nameof(SubjectKey);

    /// <summary>For what a wrapped key is good: this stream alone.</summary>
    public static string PlaceOf(Guid stream) => $"subject_keys/{stream}";
}

/// <summary>A stream's key as it goes to the database.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Wrapped">The key, wrapped.</param>
/// <param name="Master">The id of the master key that wrapped it.</param>
internal sealed record NewSubjectKey(Guid Stream, byte[] Wrapped, string Master);

/// <summary>
/// A stream holds sealed data, and its key is not there: neither wrapped nor marked as destroyed. It was lost, and what it sealed with it;
/// never to be taken for erased.
/// </summary>
/// <param name="stream">The stream.</param>
public sealed class SubjectKeyMissingException(Guid stream)
    : LogCorruptException($"The key of stream {stream} is missing: its data cannot be read.")
{
    /// <summary>The stream.</summary>
    public Guid Stream { get; } = stream;
}

/// <summary>Personal data were to be added to a stream whose key has been destroyed.</summary>
/// <param name="stream">The stream.</param>
public sealed class SubjectErasedException(Guid stream) : Exception($"Stream {stream} is erased: it takes no personal data any more.")
{
    /// <summary>The stream.</summary>
    public Guid Stream { get; } = stream;
}
