using Crm.EventStore.Log;

namespace Crm.EventStore.Sealing;

/// <summary>
/// Seals what one append adds to one stream; the stream's key is unwrapped, or made, when the first personal member is met.
/// </summary>
internal sealed class StreamSealing : IDisposable
{
    private readonly MasterKeys masters;
    private readonly Guid stream;
    private readonly SubjectKey known;
    private readonly JsonSealer sealer;
    private readonly Func<StreamCipher> cipher;
    private StreamCipher? open;

    /// <summary>A stream of an append.</summary>
    /// <param name="masters">The master keys.</param>
    /// <param name="append">The stream and its events.</param>
    /// <param name="fetched">The stream's key where the append does not bring it.</param>
    /// <param name="sealer">Seals one event after the other.</param>
    public StreamSealing(MasterKeys masters, StreamAppend append, SubjectKey? fetched, JsonSealer sealer)
    {
        this.masters = masters;
        this.sealer = sealer;
        stream = append.StreamId;
        known = append.ExpectedVersion == 0 ? SubjectKey.None : append.Key ?? fetched ?? SubjectKey.None;
        cipher = Cipher;
    }

    /// <summary>The key that was made, because the stream had none; null when none was.</summary>
    public NewSubjectKey? Made { get; private set; }

    /// <summary>The event's JSON as it is stored.</summary>
    /// <exception cref="SubjectErasedException">It holds personal data, and the stream is erased.</exception>
    public byte[] Seal(byte[] json, EventCatalog.Entry entry, long version) => entry.Personal is { } personal
        ? sealer.Seal(json, personal, new SealedPlace(stream, version, entry.Name), cipher) ?? json
        : json;

    /// <summary>The envelope's headers as they are stored, open at their end; a reason that can be sealed no more is not kept.</summary>
    public string Headers(Envelope envelope, EventCatalog.Entry entry, long version) => known.IsDestroyed
        ? EventHeaders.Open(envelope with { Reason = null })
        : EventHeaders.OpenSealed(envelope, new SealedPlace(stream, version, entry.Name), Cipher());

    /// <inheritdoc/>
    public void Dispose() => open?.Dispose();

    private StreamCipher Cipher()
    {
        if (open is not null)
        {
            return open;
        }

        if (known.IsDestroyed)
        {
            throw new SubjectErasedException(stream);
        }

        byte[] plain;
        if (known.IsNone)
        {
            Made = SubjectKey.Make(stream, masters, out plain);
        }
        else
        {
            plain = known.Unwrap(stream, masters);
        }

        return open = new StreamCipher(plain);
    }
}
