using Crm.Web.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>How a user proves to be the user.</summary>
/// <param name="UserId">The user's stream.</param>
/// <param name="PasswordHash">The password as the hasher keeps it: salted, slow, with its own parameters.</param>
/// <param name="SecurityStamp">Changes with the password, and so ends every token that was issued before.</param>
public sealed record Credential(Guid UserId, string PasswordHash, Guid SecurityStamp);

/// <summary>
/// Passwords, kept in a table of their own and never in the log. A row without a user's stream opens nothing: whoever signs in
/// is looked up in the log first.
/// </summary>
public sealed class Credentials(NpgsqlDataSource database, SecurityOptions options, TimeProvider clock) : IDisposable
{
    private static readonly Credential Nobody = new(Guid.Empty, "", Guid.Empty);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(2);

    private readonly PasswordHasher<Credential> hasher =
        new(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordRounds }));

    // Somebody who is not there has one too, so that it takes as long.
    private readonly Lazy<string> nobodysHash = new(() => new PasswordHasher<Credential>(
        Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordRounds })).HashPassword(Nobody, Guid.NewGuid().ToString()));

    // A hash takes a core for its time: more at once than there are cores would only take them from everybody else.
    private readonly SemaphoreSlim cores = new(Environment.ProcessorCount);

    private long compared;

    /// <summary>How many passwords were compared, for whoever watches that a refusal costs the same for all.</summary>
    public long Compared => Interlocked.Read(ref compared);

    /// <summary>Keeps the password of a user who is about to be registered; the user's id is new.</summary>
    public async Task Add(Guid userId, string password, CancellationToken ct)
    {
        var hash = await Hash(password, ct);
        await using var command = database.CreateCommand(
            "insert into crm.credentials (user_id, password_hash, security_stamp, updated_at) values ($1, $2, $3, $4)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.NewGuid() });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Forgets the password of somebody who was not registered after all.</summary>
    public async Task Remove(Guid userId, CancellationToken ct)
    {
        await using var command = database.CreateCommand("delete from crm.credentials where user_id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// The user's credential if the password is right, else null. Takes as long for somebody who is not there as for a wrong password,
    /// so that its time does not tell who is registered.
    /// </summary>
    /// <param name="userId">The user; null when nobody has the address that was given.</param>
    /// <param name="password">The password that was given.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<Credential?> Verify(Guid? userId, string password, CancellationToken ct)
    {
        // The same steps for all: whoever is not there is looked up too, and has a hash to compare with.
        var credential = await Find(userId ?? Guid.Empty, ct);
        var hash = credential?.PasswordHash ?? nobodysHash.Value;
        Interlocked.Increment(ref compared);
        var verdict = await InTurn(() => hasher.VerifyHashedPassword(Nobody, hash, password), ct);
        if (credential is null || verdict == PasswordVerificationResult.Failed)
        {
            return null;
        }

        if (verdict == PasswordVerificationResult.SuccessRehashNeeded)
        {
            await Rehash(credential, password, ct);
        }

        return credential;
    }

    /// <summary>The user's credential; null when there is none.</summary>
    public async Task<Credential?> Find(Guid userId, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select password_hash, security_stamp from crm.credentials where user_id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new Credential(userId, row.GetString(0), row.GetGuid(1)) : null;
    }

    /// <summary>The hash of a password that is about to be kept.</summary>
    /// <exception cref="ProblemException">Too many passwords wait for their turn.</exception>
    public Task<string> Hash(string password, CancellationToken ct) => InTurn(() => hasher.HashPassword(Nobody, password), ct);

    /// <inheritdoc/>
    public void Dispose() => cores.Dispose();

    /// <summary>
    /// Replaces a user's password, in a transaction of the caller's: every session ends, because each lasts only as long as the
    /// credential that it began with. Answers the stamp of the new one.
    /// </summary>
    internal static async Task<Guid> Replace(
        NpgsqlConnection connection, Guid userId, string passwordHash, DateTimeOffset now, CancellationToken ct)
    {
        var stamp = Guid.NewGuid();
        await using var replace = new NpgsqlCommand(
            "update crm.credentials set password_hash = $2, security_stamp = $3, updated_at = $4 where user_id = $1", connection);
        replace.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        replace.Parameters.Add(new NpgsqlParameter<string> { TypedValue = passwordHash });
        replace.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stamp });
        replace.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        await replace.ExecuteNonQueryAsync(ct);
        return stamp;
    }

    private async Task<T> InTurn<T>(Func<T> hash, CancellationToken ct)
    {
        if (!await cores.WaitAsync(patience, ct))
        {
            throw new ProblemException(Problem.Unavailable("Too many are signing in at this moment."));
        }

        try
        {
            return hash();
        }
        finally
        {
            cores.Release();
        }
    }

    // The password stays the same, so the stamp does too: nobody is signed out by it.
    private async Task Rehash(Credential credential, string password, CancellationToken ct)
    {
        var hash = await Hash(password, ct);
        await using var command = database.CreateCommand(
            "update crm.credentials set password_hash = $3, updated_at = $4 where user_id = $1 and password_hash = $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = credential.UserId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = credential.PasswordHash });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await command.ExecuteNonQueryAsync(ct);
    }
}
