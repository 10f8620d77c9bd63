using System.Text.Json;
using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>The encoding of one command's events, stream by stream.</summary>
internal sealed class CommandEncoding(AppendCommand command, EventCatalog catalog, MasterKeys masters, EncodedEvent[] events)
{
    private readonly JsonSealer sealer = JsonSealer.OfThread;
    private Envelope? envelope;
    private string headers = "";
    private List<NewSubjectKey>? keys;
    private int place;

    /// <summary>The events encoded.</summary>
    public EncodedEvent[] Events => events;

    /// <summary>The keys that were made.</summary>
    public IReadOnlyList<NewSubjectKey> Keys => keys ?? [];

    /// <summary>How much JSON they are.</summary>
    public int Bytes { get; private set; }

    /// <summary>Encodes a stream's events.</summary>
    /// <param name="stream">The stream and its events.</param>
    /// <param name="key">Its key where the append does not bring it.</param>
    public void Add(StreamAppend stream, SubjectKey? key)
    {
        using var sealing = new StreamSealing(masters, stream, key, sealer);
        var seals = catalog.Seals(stream.StreamType);
        var version = stream.ExpectedVersion;
        foreach (var happened in stream.Events)
        {
            var own = happened.Envelope ?? command.Envelope;
            var entry = catalog.Of(happened.Data);
            var plain = Serialize(happened.Data);
            StorableText.CheckJson(plain, entry.Name);
            var json = sealing.Seal(plain, entry, ++version);
            var open = seals && own.Reason is not null ? sealing.Headers(own, entry, version) : Shared(own);
            Bytes += json.Length + open.Length;
            events[place++] = new EncodedEvent(stream.StreamId, version, happened, entry, json, own, open);
        }

        if (sealing.Made is { } made)
        {
            (keys ??= []).Add(made);
        }
    }

    // One text for all events that have the same envelope.
    private string Shared(Envelope own)
    {
        if (!ReferenceEquals(own, envelope))
        {
            (envelope, headers) = (own, EventHeaders.Open(own));
        }

        return headers;
    }

    private byte[] Serialize(object data)
    {
        try
        {
            return catalog.Serialize(data);
        }
        catch (JsonException unwritable)
        {
            throw new ArgumentException($"The event cannot be written as JSON: {unwritable.Message}", unwritable);
        }
    }
}
