using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// The key that signs tokens, the same on every host: read from the file that the configuration names, else from the database,
/// where the first host that needs it makes it.
/// </summary>
public sealed class SigningKeys(NpgsqlDataSource database, SecurityOptions options, TimeProvider clock) : IDisposable
{
    private const string LockName = "crm.signing_keys";

    private readonly SemaphoreSlim loading = new(1, 1);
    private SigningKey? current;

    /// <summary>The key; loaded once.</summary>
    public async ValueTask<SigningKey> Current(CancellationToken ct)
    {
        if (Volatile.Read(ref current) is { } known)
        {
            return known;
        }

        await loading.WaitAsync(ct);
        try
        {
            var loaded = current ?? (options.SigningKeyFile is { } file
                ? SigningKey.FromPem(await File.ReadAllTextAsync(file, ct))
                : await ReadOrMake(ct));
            Volatile.Write(ref current, loaded);
            return loaded;
        }
        finally
        {
            loading.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        loading.Dispose();
        current?.Dispose();
    }

    // Two hosts that start together on an empty database must end with one key: the second waits for the first.
    private async Task<SigningKey> ReadOrMake(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))", connection, transaction))
        {
            alone.Parameters.Add(new NpgsqlParameter<string> { TypedValue = LockName });
            await alone.ExecuteNonQueryAsync(ct);
        }

        await using (var read = new NpgsqlCommand(
            "select private_pkcs8 from crm.signing_keys where retired_at is null order by created_at, kid limit 1",
            connection,
            transaction))
        {
            if (await read.ExecuteScalarAsync(ct) is byte[] stored)
            {
                return SigningKey.FromPkcs8(stored);
            }
        }

        var made = SigningKey.Create();
        await using (var keep = new NpgsqlCommand(
            "insert into crm.signing_keys (kid, private_pkcs8, public_spki, created_at) values ($1, $2, $3, $4)", connection, transaction))
        {
            keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = made.Kid });
            keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = made.ToPkcs8() });
            keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = made.ToSpki() });
            keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
            await keep.ExecuteNonQueryAsync(ct);
        }

        await transaction.CommitAsync(ct);
        return made;
    }
}
