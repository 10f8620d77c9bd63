namespace Crm.EventStore.Sealing;

/// <summary>
/// The master keys that a host knows: the first seals, all of them open. More than one while a key is being replaced. Where they come from
/// a file, they are read from it anew when it has changed, so that a new key needs no restart.
/// </summary>
public sealed class MasterKeys
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly Func<IReadOnlyList<MasterKey>?>? changed;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private IReadOnlyList<MasterKey> keys;
    private long lookedAt;

    private MasterKeys(IReadOnlyList<MasterKey> keys, Func<IReadOnlyList<MasterKey>?>? changed, TimeProvider clock)
    {
        this.keys = keys;
        this.changed = changed;
        this.clock = clock;
        lookedAt = clock.GetTimestamp();
    }

    /// <summary>The keys, the one that seals first.</summary>
    public IReadOnlyList<MasterKey> All
    {
        get
        {
            Look();
            return Volatile.Read(ref keys);
        }
    }

    /// <summary>The key that seals.</summary>
    public MasterKey Current => All[0];

    /// <summary>Whether they seal what Production uses.</summary>
    public bool IsProduction => keys[0].IsProduction;

    /// <summary>Keys that stay as they are: the one that seals, and older ones that still open.</summary>
    public static MasterKeys Of(MasterKey current, params ReadOnlySpan<MasterKey> older) =>
        new([current, .. older], changed: null, TimeProvider.System);

    /// <summary>Keys that may change.</summary>
    /// <param name="keys">The keys as they are now, the one that seals first.</param>
    /// <param name="changed">
    /// The keys where they have changed since it was asked last; else null. Asked once a second, and when something does not open.
    /// </param>
    /// <param name="clock">By what the second is told.</param>
    public static MasterKeys That(IReadOnlyList<MasterKey> keys, Func<IReadOnlyList<MasterKey>?> changed, TimeProvider clock) =>
        new(keys, changed, clock);

    /// <summary>The key of this id; null when this host does not know it.</summary>
    public MasterKey? Named(string id) => Find(All, id) ?? (LookNow() ? Find(Volatile.Read(ref keys), id) : null);

    /// <summary>Seals a secret for one place.</summary>
    public byte[] Seal(string place, ReadOnlySpan<byte> secret) => Current.Seal(place, secret);

    /// <summary>Opens what one of the keys sealed for this place.</summary>
    /// <exception cref="SealBrokenException">None of them did, or it was changed since.</exception>
    public byte[] Open(string place, ReadOnlySpan<byte> box)
    {
        try
        {
            return Open(All, place, box);
        }
        catch (SealBrokenException) when (LookNow())
        {
            return Open(Volatile.Read(ref keys), place, box);
        }
    }

    /// <summary>Keeps the keys out of whatever prints them.</summary>
    public override string ToString() => nameof(MasterKeys);

    private static MasterKey? Find(IReadOnlyList<MasterKey> keys, string id)
    {
        foreach (var key in keys)
        {
            if (key.Id == id)
            {
                return key;
            }
        }

        return null;
    }

    private static byte[] Open(IReadOnlyList<MasterKey> all, string place, ReadOnlySpan<byte> box)
    {
        for (var index = 0; index < all.Count - 1; index++)
        {
            try
            {
                return all[index].Open(place, box);
            }
            catch (SealBrokenException)
            {
                // The next key may be the one: a box does not say which sealed it.
            }
        }

        return all[^1].Open(place, box);
    }

    private void Look()
    {
        if (changed is not null && clock.GetElapsedTime(Volatile.Read(ref lookedAt)) >= BetweenLooks)
        {
            LookNow();
        }
    }

    // At once where something does not open: a key that was put in front a moment ago may have sealed it.
    private bool LookNow()
    {
        if (changed is null)
        {
            return false;
        }

        lock (gate)
        {
            Volatile.Write(ref lookedAt, clock.GetTimestamp());
            if (changed() is not { Count: > 0 } now)
            {
                return false;
            }

            Volatile.Write(ref keys, now);
            return true;
        }
    }
}

/// <summary>A key was wrapped by a master key that this host does not have: a fault of its configuration, not of the log.</summary>
/// <param name="id">The master key's id.</param>
public sealed class MasterKeyUnknownException(string id) : Exception(
    $"The database holds keys that the master key {id} wrapped, which this host does not have.")
{
    /// <summary>The master key's id.</summary>
    public string Id { get; } = id;
}
