using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Crm.Application.Users;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>A try to sign in, as it is counted: by digests, whether or not there is such an account.</summary>
public sealed class SignInAttempt
{
    private SignInAttempt(string account, string? network)
    {
        Network = network;
        Account = Digest(account);
        Address = network is null ? null : Digest(network);
        Pair = Digest($"{account}\n{network}");
    }

    /// <summary>The network that it comes from: the address, or the first half of an IPv6 one; null when it is not known.</summary>
    public string? Network { get; }

    internal byte[] Account { get; }

    internal byte[]? Address { get; }

    internal byte[] Pair { get; }

    /// <summary>A try to sign in to an account from an address.</summary>
    public static SignInAttempt Of(string email, IPAddress? from) => new(UserStream.KeyOf(email.Trim()), NetworkOf(from));

    /// <summary>Whoever has one IPv6 address has 2^64 of them: they count as one.</summary>
    public static string? NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return null;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (plain.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return plain.ToString();
        }

        Span<byte> bytes = stackalloc byte[16];
        plain.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return $"{new IPAddress(bytes)}/64";
    }

    internal static byte[] AccountOf(string email) => Digest(UserStream.KeyOf(email.Trim()));

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>A wait that a failure began.</summary>
/// <param name="OfAddress">Whether it is for the whole address; else for the account.</param>
/// <param name="Failures">After how many failures.</param>
/// <param name="Until">Until when.</param>
public sealed record StartedDelay(bool OfAddress, int Failures, DateTimeOffset Until);

/// <summary>
/// How long the next try to sign in has to wait, the same on every host. Three counts of failures: of one address for one account, which
/// soon waits long; of an address over all accounts; and of an account from everywhere, which never waits longer than a minute, and not
/// at all where its owner has signed in before: a stranger cannot lock the owner out.
/// </summary>
public sealed class SignInDelays(NpgsqlDataSource database, TimeProvider clock)
{
    // Pair, account, address. The wait after the n-th failure beyond these is 2^n seconds.
    private static readonly int[] free = [5, 30, 20];
    private static readonly TimeSpan[] longest = [TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(15)];
    private static readonly TimeSpan[] remembered = [TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeSpan.FromHours(1)];
    private static readonly TimeSpan keepKnown = TimeSpan.FromDays(180);

    /// <summary>Counts a try as a failure; answers how long to wait when it may not even be made, and then counts nothing.</summary>
    public async Task<TimeSpan?> Begin(SignInAttempt attempt, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var count = database.CreateCommand("select crm.count_sign_in($1, $2, $3, $4, $5, $6, $7)");
        count.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        count.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = attempt.Pair });
        count.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = attempt.Account });
        count.Parameters.Add(new NpgsqlParameter<byte[]?> { TypedValue = attempt.Address });
        count.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = free });
        count.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = longest });
        count.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = remembered });
        await using var row = await count.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return await row.IsDBNullAsync(0, ct) ? null : Longer(row.GetFieldValue<DateTimeOffset>(0) - now);
    }

    /// <summary>The waits that the failure of this try began; none while they are only growing.</summary>
    public async Task<IReadOnlyList<StartedDelay>> StartedBy(SignInAttempt attempt, CancellationToken ct)
    {
        await using var ask = database.CreateCommand(
            """
            select d.scope = 'address', d.failures, d.until
            from crm.sign_in_delays d
            join unnest(array['pair', 'account', 'address'], array[$1, $2, $3], $4) as asked (scope, key, free)
              on d.scope = asked.scope and d.key = asked.key and d.failures = asked.free
            """);
        ask.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = attempt.Pair });
        ask.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = attempt.Account });
        ask.Parameters.Add(new NpgsqlParameter<byte[]?> { TypedValue = attempt.Address });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = free });
        await using var rows = await ask.ExecuteReaderAsync(ct);
        var started = new List<StartedDelay>();
        while (await rows.ReadAsync(ct))
        {
            started.Add(new StartedDelay(rows.GetBoolean(0), rows.GetInt32(1), rows.GetFieldValue<DateTimeOffset>(2)));
        }

        return started;
    }

    /// <summary>The try succeeded: what the account failed at before is forgiven, and its owner is known at this address.</summary>
    public async Task Succeeded(SignInAttempt attempt, CancellationToken ct)
    {
        // In the order of scopes in which tries are counted, so that none waits for the other.
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(Delete("account", attempt.Account));
        if (attempt.Address is { } address)
        {
            batch.BatchCommands.Add(Return("address", address, attempt.Pair));
        }

        batch.BatchCommands.Add(Delete("pair", attempt.Pair));
        if (attempt.Address is not null)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                """
                insert into crm.known_addresses (pair, seen_at) values ($1, $2)
                on conflict (pair) do update set seen_at = excluded.seen_at
                """)
            {
                Parameters =
                {
                    new NpgsqlParameter<byte[]> { TypedValue = attempt.Pair },
                    new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() },
                },
            });
        }

        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The try was neither a failure nor a success: it was not made after all, or is half of one.</summary>
    public async Task GiveBack(SignInAttempt attempt, CancellationToken ct)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(Return("account", attempt.Account, attempt.Pair));
        if (attempt.Address is { } address)
        {
            batch.BatchCommands.Add(Return("address", address, attempt.Pair));
        }

        batch.BatchCommands.Add(Return("pair", attempt.Pair, known: null));
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Ends all waiting of an account; addresses that tried many accounts go on waiting.</summary>
    public async Task Clear(string email, CancellationToken ct)
    {
        await using var clear = database.CreateCommand("delete from crm.sign_in_delays where account = $1");
        clear.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = SignInAttempt.AccountOf(email) });
        await clear.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Forgets counts that no longer count, and addresses that have not been seen for half a year.</summary>
    public async Task<int> Prune(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var prune = database.CreateCommand(
            """
            with known as (delete from crm.known_addresses where seen_at < $2)
            delete from crm.sign_in_delays where last_at < $1 and until < $3
            """);
        prune.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - remembered.Max() });
        prune.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - keepKnown });
        prune.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        return await prune.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlBatchCommand Delete(string scope, byte[] key) => new(
        "delete from crm.sign_in_delays where scope = $1 and key = $2")
    {
        Parameters = { new NpgsqlParameter<string> { TypedValue = scope }, new NpgsqlParameter<byte[]> { TypedValue = key } },
    };

    // A known pair counted nothing for the account and the address, so nothing is given back.
    private static NpgsqlBatchCommand Return(string scope, byte[] key, byte[]? known) => new(
        """
        update crm.sign_in_delays set failures = greatest(failures - 1, 0), until = '-infinity'
        where scope = $1 and key = $2 and not exists (select from crm.known_addresses where pair = $3)
        """)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = scope },
            new NpgsqlParameter<byte[]> { TypedValue = key },
            new NpgsqlParameter<byte[]?> { TypedValue = known },
        },
    };

    private static TimeSpan Longer(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.FromSeconds(1);
}
