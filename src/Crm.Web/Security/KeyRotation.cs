using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// Changes the key that signs tokens, and signs nobody out: every host reads the new key before it signs, and the old one is taken until the
/// last token that it signed has ended.
/// </summary>
public sealed class KeyRotation(NpgsqlDataSource database, EventLog log, SigningKeys keys, SecurityOptions options, TimeProvider clock)
{
    /// <summary>Makes the next key, and records that it was made.</summary>
    /// <param name="envelope">Who asks for it, and why.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">The keys come from files: then the operator changes the files.</exception>
    public async Task<OurKey> Rotate(Envelope envelope, CancellationToken ct)
    {
        if (keys.AreConfigured)
        {
            throw new InvalidOperationException("The signing keys come from files: change SigningKeyFile and PreviousKeyFiles.");
        }

        // There is always one that the new one follows, and every key in the table is sealed.
        await keys.Current(ct);
        var now = WireFormats.Microseconds(clock.GetUtcNow());
        var next = new OurKey(SigningKey.Create(), now, now + (2 * options.SigningKeyReload), RetiresAt: null);
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand(SigningKeys.LockKeys, connection))
        {
            await alone.ExecuteNonQueryAsync(ct);
        }

        // The private half of a key that has retired serves nobody but a thief.
        await using (var forget = new NpgsqlCommand("delete from crm.signing_keys where retires_at <= $1", connection))
        {
            forget.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
            await forget.ExecuteNonQueryAsync(ct);
        }

        await using (var retire = new NpgsqlCommand("update crm.signing_keys set retires_at = $1 where retires_at is null", connection))
        {
            var lastToken = next.ActiveFrom + options.AccessTokenLifetime + JwtTokens.ClockSkew + options.SigningKeyReload;
            retire.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = lastToken });
            await retire.ExecuteNonQueryAsync(ct);
        }

        await keys.Keep(next.Key, now, next.ActiveFrom, connection, ct);
        await transaction.CommitAsync(ct);
        keys.Forget();
        await Record(new SigningKeyRotated(next.Key.Kid, next.ActiveFrom), now, envelope, ct);
        return next;
    }

    /// <summary>
    /// Ends a key at once, because somebody may have it: no token that it signed counts from now on, on other hosts within
    /// <see cref="SecurityOptions.SigningKeyReload"/>. A new key signs from this moment on.
    /// </summary>
    /// <param name="kid">The key's id.</param>
    /// <param name="envelope">Who asks for it, and why.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The key that signs now; null when there is no such key, or it had ended.</returns>
    /// <exception cref="InvalidOperationException">The keys come from files: then the operator changes the files.</exception>
    public async Task<OurKey?> Withdraw(string kid, Envelope envelope, CancellationToken ct)
    {
        if (keys.AreConfigured)
        {
            throw new InvalidOperationException("The signing keys come from files: change SigningKeyFile and PreviousKeyFiles.");
        }

        var now = WireFormats.Microseconds(clock.GetUtcNow());
        var next = new OurKey(SigningKey.Create(), now, now, RetiresAt: null);
        await using (var connection = await database.OpenConnectionAsync(ct))
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await using (var alone = new NpgsqlCommand(SigningKeys.LockKeys, connection))
            {
                await alone.ExecuteNonQueryAsync(ct);
            }

            // With its private half: nobody can sign with it any more who has not taken it already.
            await using (var end = new NpgsqlCommand(
                "delete from crm.signing_keys where kid = $1 and (retires_at is null or retires_at > $2)", connection))
            {
                end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kid });
                end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
                if (await end.ExecuteNonQueryAsync(ct) == 0)
                {
                    return null;
                }
            }

            await keys.Keep(next.Key, now, next.ActiveFrom, connection, ct);
            await transaction.CommitAsync(ct);
        }

        keys.Forget();
        await Record(new SigningKeyWithdrawn(kid, next.Key.Kid), now, envelope, ct);
        return next;
    }

    private async Task Record(AccessEvent happened, DateTimeOffset now, Envelope envelope, CancellationToken ct)
    {
        var fact = new NewEvent(Guid.CreateVersion7(now), happened, now);
        await log.Append(
            new AppendCommand([new StreamAppend(Guid.CreateVersion7(now), AccessEvent.StreamType, ExpectedVersion: 0, [fact])], envelope), ct);
    }
}
