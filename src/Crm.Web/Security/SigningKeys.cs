using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// The keys that sign tokens, the same on every host: from the files that the configuration names, else from the database, where the first
/// host that needs one makes it. The database keeps them sealed. Each host reads them anew every
/// <see cref="SecurityOptions.SigningKeyReload"/>, and when a token names one that it does not know, then at most every few seconds.
/// </summary>
public sealed partial class SigningKeys(
    NpgsqlDataSource database,
    MasterKeys master,
    SecurityOptions options,
    TimeProvider clock,
    ILogger<SigningKeys> logger) : IDisposable
{
    internal const string LockKeys = "select pg_advisory_xact_lock(hashtextextended('crm.signing_keys', 0))";

    // Tokens with invented key ids must not become queries.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim loading = new(1, 1);
    private Ring? ring;

    /// <summary>Whether the keys come from files: then nobody but the operator changes them.</summary>
    public bool AreConfigured => options.SigningKeyFile is not null;

    /// <summary>The key to sign with now.</summary>
    public async ValueTask<SigningKey> Current(CancellationToken ct) =>
        (await Fresh(options.SigningKeyReload, ct)).Signing(clock.GetUtcNow());

    /// <summary>Our key of this id, to check a signature with; null when there is none, or it has retired.</summary>
    public async ValueTask<SigningKey?> Named(string kid, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return (await Fresh(options.SigningKeyReload, ct)).Find(kid, now) ?? (await Fresh(BetweenLooks, ct)).Find(kid, now);
    }

    /// <summary>All keys that sign, will sign, or are still taken, the newest first.</summary>
    public async Task<IReadOnlyList<OurKey>> All(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return [.. (await Fresh(options.SigningKeyReload, ct)).Keys.Where(key => !HasRetired(key, now)).OrderByDescending(static key => key.ActiveFrom)];
    }

    /// <summary>Has this host read the keys anew before it uses the next one.</summary>
    public void Forget() => Volatile.Write(ref ring, ring is { } known ? known with { ReadAt = DateTimeOffset.MinValue } : null);

    /// <summary>The place of a key's box.</summary>
    internal static string PlaceOf(string kid) => $"signing_keys/{kid}";

    /// <inheritdoc/>
    public void Dispose()
    {
        loading.Dispose();
        foreach (var key in ring?.Keys ?? [])
        {
            key.Key.Dispose();
        }
    }

    private static bool HasRetired(OurKey key, DateTimeOffset now) => key.RetiresAt <= now;

    private async ValueTask<Ring> Fresh(TimeSpan atMost, CancellationToken ct)
    {
        if (Volatile.Read(ref ring) is { } known && known.IsFresh(clock.GetUtcNow(), atMost))
        {
            return known;
        }

        await loading.WaitAsync(ct);
        try
        {
            var now = clock.GetUtcNow();
            if (ring is { } meanwhile && meanwhile.IsFresh(now, atMost))
            {
                return meanwhile;
            }

            Volatile.Write(ref ring, await Read(now, ct));
            return ring;
        }
        catch (Exception lost) when (ring is { } old && lost is NpgsqlException or TimeoutException)
        {
            // What was known stays true for longer than this, and whoever sends a token is asked of the database in any case.
            LogKept(lost.Message);
            Volatile.Write(ref ring, old with { ReadAt = clock.GetUtcNow() });
            return ring;
        }
        finally
        {
            loading.Release();
        }
    }

    private async Task<Ring> Read(DateTimeOffset now, CancellationToken ct)
    {
        if (options.SigningKeyFile is not { } file)
        {
            return new Ring(await ReadOrMake(now, ct), now);
        }

        var keys = new List<OurKey> { new(SigningKey.FromPem(await File.ReadAllTextAsync(file, ct)), now, now, RetiresAt: null) };
        foreach (var previous in options.PreviousKeyFiles)
        {
            keys.Add(new OurKey(SigningKey.FromPem(await File.ReadAllTextAsync(previous, ct)), now, DateTimeOffset.MinValue, RetiresAt: null));
        }

        return new Ring(keys, now);
    }

    private async Task<IReadOnlyList<OurKey>> ReadOrMake(DateTimeOffset now, CancellationToken ct)
    {
        await using (var connection = await database.OpenConnectionAsync(ct))
        {
            var stored = await Stored(connection, now, ct);
            if (stored.Any(key => key.ActiveFrom <= now) && stored.All(static key => key.IsSealed))
            {
                return stored;
            }
        }

        // Two hosts that start together on an empty database must end with one key: the second waits for the first.
        await using var alone = await database.OpenConnectionAsync(ct);
        await using var transaction = await alone.BeginTransactionAsync(ct);
        await using (var wait = new NpgsqlCommand(LockKeys, alone, transaction))
        {
            await wait.ExecuteNonQueryAsync(ct);
        }

        var keys = await Stored(alone, now, ct);
        foreach (var open in keys.Where(static key => !key.IsSealed))
        {
            await Seal(open.Key, alone, ct);
        }

        if (keys is [])
        {
            var made = SigningKey.Create();
            await Keep(made, now, now, alone, ct);
            keys = [new StoredKey(made, now, now, RetiresAt: null, IsSealed: true)];
        }

        await transaction.CommitAsync(ct);
        return keys;
    }

    private async Task<IReadOnlyList<StoredKey>> Stored(NpgsqlConnection connection, DateTimeOffset now, CancellationToken ct)
    {
        // A key that Development made is as good as published to whoever saw that machine.
        await using var read = new NpgsqlCommand(
            """
            select kid, private_pkcs8, created_at, active_from, retires_at, sealed from crm.signing_keys
            where (retires_at is null or retires_at > $1) and (not development or $2)
            """,
            connection);
        read.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        read.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = !master.IsProduction });
        await using var row = await read.ExecuteReaderAsync(ct);
        var keys = new List<StoredKey>();
        while (await row.ReadAsync(ct))
        {
            var kid = row.GetString(0);
            var isSealed = row.GetBoolean(5);
            keys.Add(new StoredKey(
                Known(kid) ?? Opened(kid, row.GetFieldValue<byte[]>(1), isSealed),
                row.GetFieldValue<DateTimeOffset>(2),
                row.GetFieldValue<DateTimeOffset>(3),
                row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4),
                isSealed));
        }

        return keys;
    }

    /// <summary>Puts a key into the table, sealed.</summary>
    public async Task Keep(SigningKey key, DateTimeOffset now, DateTimeOffset activeFrom, NpgsqlConnection connection, CancellationToken ct)
    {
        await using var keep = new NpgsqlCommand(
            """
            insert into crm.signing_keys (kid, private_pkcs8, public_spki, created_at, active_from, sealed, development)
            values ($1, $2, $3, $4, $5, true, $6)
            """,
            connection);
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Kid });
        keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = master.Seal(PlaceOf(key.Kid), key.ToPkcs8()) });
        keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.ToSpki() });
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = activeFrom });
        keep.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = !master.IsProduction });
        await keep.ExecuteNonQueryAsync(ct);
    }

    private async Task Seal(SigningKey key, NpgsqlConnection connection, CancellationToken ct)
    {
        await using var seal = new NpgsqlCommand("update crm.signing_keys set private_pkcs8 = $2, sealed = true where kid = $1 and not sealed", connection);
        seal.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Kid });
        seal.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = master.Seal(PlaceOf(key.Kid), key.ToPkcs8()) });
        await seal.ExecuteNonQueryAsync(ct);
    }

    private SigningKey Opened(string kid, byte[] stored, bool isSealed) =>
        SigningKey.FromPkcs8(isSealed ? master.Open(PlaceOf(kid), stored) : stored);

    private SigningKey? Known(string kid) =>
        ring?.Keys.FirstOrDefault(key => string.Equals(key.Key.Kid, kid, StringComparison.Ordinal))?.Key;

    [LoggerMessage(LogLevel.Warning, "The signing keys could not be read anew; those that are known stay in use: {Reason}")]
    private partial void LogKept(string reason);

    private sealed record StoredKey(SigningKey Key, DateTimeOffset CreatedAt, DateTimeOffset ActiveFrom, DateTimeOffset? RetiresAt, bool IsSealed)
        : OurKey(Key, CreatedAt, ActiveFrom, RetiresAt);

    private sealed record Ring(IReadOnlyList<OurKey> Keys, DateTimeOffset ReadAt)
    {
        public bool IsFresh(DateTimeOffset now, TimeSpan atMost) => now >= ReadAt && now - ReadAt < atMost;

        public SigningKey Signing(DateTimeOffset now)
        {
            OurKey? signing = null;
            foreach (var key in Keys)
            {
                if (key.ActiveFrom <= now && (signing is null || key.ActiveFrom > signing.ActiveFrom))
                {
                    signing = key;
                }
            }

            // A clock that lags behind the one that made the first key sees none that is active yet.
            return (signing ?? Keys.OrderBy(static key => key.ActiveFrom).First()).Key;
        }

        public SigningKey? Find(string kid, DateTimeOffset now)
        {
            foreach (var key in Keys)
            {
                if (string.Equals(key.Key.Kid, kid, StringComparison.Ordinal) && !HasRetired(key, now))
                {
                    return key.Key;
                }
            }

            return null;
        }
    }
}
