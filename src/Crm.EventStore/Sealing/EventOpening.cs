using Crm.EventStore.Log;

namespace Crm.EventStore.Sealing;

/// <summary>Opens the sealed data of stored events; it keeps the keys of streams for as long as one read lasts, and no longer.</summary>
internal sealed class EventOpening : IDisposable
{
    private readonly EventCatalog catalog;
    private readonly MasterKeys masters;
    private readonly Func<StreamCipher?> cipher;
    private Dictionary<Guid, StreamCipher>? ciphers;
    private JsonOpener? json;
    private StreamCipher? last;
    private Guid lastStream;
    private (Guid Stream, SubjectKey Key) asked;

    /// <summary>Opens for one read.</summary>
    public EventOpening(EventCatalog catalog, MasterKeys masters)
    {
        this.catalog = catalog;
        this.masters = masters;
        cipher = Cipher;
    }

    /// <summary>Whether a row can only be read with its stream's key, as far as a glance tells.</summary>
    public static bool NeedsKey(ReadOnlySpan<byte> data, ReadOnlySpan<byte> headers) =>
        JsonOpener.MayBeSealed(data) || JsonOpener.MayBeSealed(headers);

    /// <summary>The event.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="key">Its stream's key.</param>
    /// <param name="stored">Its data as they are stored.</param>
    /// <param name="erased">Set when something of it is erased.</param>
    /// <exception cref="LogCorruptException">It cannot be read, or the key is missing.</exception>
    public object Data(in SealedPlace place, SubjectKey key, ReadOnlySpan<byte> stored, ref bool erased)
    {
        if (!JsonOpener.MayBeSealed(stored))
        {
            return catalog.Deserialize(place.Name, stored);
        }

        asked = (place.Stream, key);
        var opened = (json ??= new JsonOpener()).Open(stored, [], catalog.Named(place.Name).Personal, place, cipher, out var gone);
        erased |= gone;
        return catalog.Deserialize(place.Name, opened);
    }

    /// <summary>The envelope, and when the event was recorded.</summary>
    /// <exception cref="LogCorruptException">The reason cannot be opened, or the key is missing.</exception>
    public (Envelope Envelope, DateTimeOffset? RecordedAt) Headers(
        in SealedPlace place, SubjectKey key, ReadOnlySpan<byte> stored, string? correlation, string? causation, ref bool erased)
    {
        if (!JsonOpener.MayBeSealed(stored))
        {
            return EventHeaders.Read(stored, correlation, causation);
        }

        asked = (place.Stream, key);
        var opened = (json ??= new JsonOpener()).Open(stored, EventHeaders.Path, personal: null, place, cipher, out var gone);
        erased |= gone;
        return EventHeaders.Read(opened, correlation, causation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        last?.Dispose();
        foreach (var one in ciphers?.Values ?? Enumerable.Empty<StreamCipher>())
        {
            one.Dispose();
        }
    }

    private StreamCipher? Cipher()
    {
        var (stream, key) = asked;
        if (key.IsDestroyed)
        {
            return null;
        }

        if (last is not null && lastStream == stream)
        {
            return last;
        }

        // Most reads are of one stream: only the second one costs a table.
        if (last is not null)
        {
            (ciphers ??= []).TryAdd(lastStream, last);
        }

        if (ciphers is null || !ciphers.TryGetValue(stream, out last))
        {
            last = null;
            last = new StreamCipher(key.Unwrap(stream, masters));
        }

        lastStream = stream;
        return last;
    }
}
