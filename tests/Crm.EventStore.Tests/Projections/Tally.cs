using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.EventStore.Tests.Projections;

/// <summary>A toy event: an account was moved by an amount.</summary>
public sealed record Moved(int Amount, string Note);

/// <summary>A toy event: an account was closed.</summary>
public sealed record Closed;

/// <summary>A toy event: what an account's movements were called is erased.</summary>
public sealed record Erased;

/// <summary>A toy event that the projection passes over.</summary>
public sealed record Viewed;

[JsonSerializable(typeof(Moved))]
[JsonSerializable(typeof(Closed))]
[JsonSerializable(typeof(Erased))]
[JsonSerializable(typeof(Viewed))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
public sealed partial class ToyJson : JsonSerializerContext;

public static class Toys
{
    public static EventCatalog Catalog { get; } = new(
    [
        new("moved", "account", typeof(Moved), ToyJson.Default.Moved),
        new("closed", "account", typeof(Closed), ToyJson.Default.Closed),
        new("erased", "account", typeof(Erased), ToyJson.Default.Erased) { Erases = true },
        new("viewed", "account", typeof(Viewed), ToyJson.Default.Viewed),
    ]);
}

public sealed record Account(Guid Id, long Balance, long Version);

public sealed record Movement(long Position, Guid Account, DateTimeOffset At, long Amount, long Balance);

/// <summary>A toy read model with all three kinds of tables: the balance of each account, its movements, and what moved per day.</summary>
public sealed class Tally(int revision = 1, Func<RecordedEvent, bool>? poison = null, string name = "tally") : Projection<Account, Movement>
{
    public override string Name => name;

    public override int Revision => revision;

    public override StateTable<Account> States => new()
    {
        Name = $"{name}_accounts",
        StreamColumn = "account",
        StreamOf = account => account.Id,
        PrimaryKey = "account",
        Columns =
        [
            ReadTable<Account>.Column("account", "uuid not null", NpgsqlDbType.Uuid, account => (Guid?)account.Id),
            ReadTable<Account>.Column("balance", "bigint not null", NpgsqlDbType.Bigint, account => (long?)account.Balance),
            ReadTable<Account>.Column("version", "bigint not null", NpgsqlDbType.Bigint, account => (long?)account.Version),
        ],
        Indexes = [("balance", "(balance, account)")],
        Read = reader => new Account(reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2)),
    };

    public override ReadTable<Movement> Entries => new()
    {
        Name = $"{name}_movements",
        PrimaryKey = "position",
        StreamColumn = "account",
        Columns =
        [
            ReadTable<Movement>.Column("position", "bigint not null", NpgsqlDbType.Bigint, entry => (long?)entry.Position),
            ReadTable<Movement>.Column("account", "uuid not null", NpgsqlDbType.Uuid, entry => (Guid?)entry.Account),
            ReadTable<Movement>.Column("at", "timestamptz not null", NpgsqlDbType.TimestampTz, entry => (DateTimeOffset?)entry.At),
            ReadTable<Movement>.Column("amount", "bigint not null", NpgsqlDbType.Bigint, entry => (long?)entry.Amount),
            ReadTable<Movement>.Column("balance", "bigint not null", NpgsqlDbType.Bigint, entry => (long?)entry.Balance),
        ],
    };

    public override DailyTotals<Movement> Totals => new(
        $"{name}_days",
        entry => (new TotalKey(DateOnly.FromDateTime(entry.At.UtcDateTime), "moved", "", "", "", 0), new Total(1, entry.Amount, 0)),
        TimeColumn: "at",
        reader => new Movement(
            reader.GetInt64(0), reader.GetGuid(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetInt64(3), reader.GetInt64(4)));

    public override bool Applies(object data) => data is Moved or Closed;

    public override Evolution<Account, Movement> Evolve(Account? state, RecordedEvent recorded)
    {
        if (poison?.Invoke(recorded) == true)
        {
            throw new InvalidOperationException("This event is poison.");
        }

        if (state is not null && state.Version >= recorded.Version)
        {
            throw new InvalidOperationException($"Version {recorded.Version} came after {state.Version}.");
        }

        switch (recorded.Data)
        {
            case Closed:
                return new Evolution<Account, Movement>(State: null, []);
            case Moved moved:
                var balance = (state?.Balance ?? 0) + moved.Amount;
                return new Evolution<Account, Movement>(
                    new Account(recorded.StreamId, balance, recorded.Version),
                    [new Movement(recorded.Position, recorded.StreamId, recorded.At, moved.Amount, balance)]);
            default:
                throw new InvalidOperationException(recorded.Type);
        }
    }
}
