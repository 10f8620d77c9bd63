using System.Security.Cryptography;
using Crm.EventStore.Audit;
using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.Web.Audit;

/// <summary>
/// The key that signs heads, the same on every host: from the file that the configuration names, else from the database, where the first
/// host that needs one makes it, sealed. Its public half stays in the database for good, whatever follows it.
/// </summary>
public sealed class AuditSigning(NpgsqlDataSource database, MasterKeys masters, AuditOptions options, TimeProvider clock)
{
    private const string LockKeys = "select pg_advisory_xact_lock(hashtextextended('crm.audit_keys', 0))";

    /// <summary>The key pair that signs now, to be disposed of.</summary>
    /// <exception cref="SealBrokenException">It was sealed with another master key.</exception>
    public async Task<NoteSigner> Current(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await Signing(await AuditKeys.List(connection, ct), ct) ?? await Make(isNext: false, ct);
    }

    /// <summary>Makes the next key, which signs from now on.</summary>
    /// <exception cref="InvalidOperationException">The key comes from a file: then the operator changes the file.</exception>
    public async Task<NoteKey> Rotate(CancellationToken ct)
    {
        if (options.SigningKeyFile is not null)
        {
            throw new InvalidOperationException($"The key comes from a file: change {AuditOptions.Section}:SigningKeyFile.");
        }

        using var made = await Make(isNext: true, ct);
        return made.PublicKey;
    }

    /// <summary>All public keys, the newest first.</summary>
    public async Task<IReadOnlyList<AuditKey>> Public(CancellationToken ct)
    {
        using (await Current(ct))
        {
            await using var connection = await database.OpenConnectionAsync(ct);
            return [.. (await AuditKeys.List(connection, ct)).Reverse()];
        }
    }

    /// <summary>The place of a key's box.</summary>
    internal static string PlaceOf(NoteKey key) => $"audit_keys/{key.IdText}";

    /// <summary>The pair of the newest key; null where there is none that this host may sign with.</summary>
    private async Task<NoteSigner?> Signing(IReadOnlyList<AuditKey> keys, CancellationToken ct)
    {
        if (keys is not [.., var newest])
        {
            return null;
        }

        if (options.SigningKeyFile is { } file)
        {
            var given = NoteSigner.FromPem(newest.Public.Name, await File.ReadAllTextAsync(file, ct));
            if (given.PublicKey.Spki.SequenceEqual(newest.Public.Spki))
            {
                return given;
            }

            given.Dispose();
            return null;
        }

        // A key that Development made is as good as published to whoever saw that machine.
        return newest.Sealed is { } box && !(newest.IsDevelopment && masters.IsProduction)
            ? NoteSigner.FromPkcs8(newest.Public.Name, masters.Open(PlaceOf(newest.Public), box))
            : null;
    }

    private async Task<NoteSigner> Make(bool isNext, CancellationToken ct)
    {
        // Two hosts that start together on an empty database must end with one key: the second waits for the first.
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand(LockKeys, connection))
        {
            await alone.ExecuteNonQueryAsync(ct);
        }

        var keys = await AuditKeys.List(connection, ct);
        if (!isNext && await Signing(keys, ct) is { } meanwhile)
        {
            return meanwhile;
        }

        var name = keys is [.., var newest]
            ? newest.Public.Name
            : options.Origin ?? $"crm/{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        var made = options.SigningKeyFile is { } file
            ? NoteSigner.FromPem(name, await File.ReadAllTextAsync(file, ct))
            : NoteSigner.Create(name);
        var box = options.SigningKeyFile is null ? masters.Seal(PlaceOf(made.PublicKey), made.ToPkcs8()) : null;
        await AuditKeys.Add(
            connection, new AuditKey(keys.Count + 1, made.PublicKey, box, !masters.IsProduction, clock.GetUtcNow()), ct);
        await transaction.CommitAsync(ct);
        return made;
    }
}
