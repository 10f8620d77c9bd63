using Crm.Domain;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>
/// One countable fact that an event adds to a ledger. Facts are signed and add up: a report is the sum of the facts up to its moment,
/// and what is taken back is a fact that subtracts.
/// </summary>
/// <param name="Position">The event's position in the log.</param>
/// <param name="Ordinal">The fact's place among those of its event.</param>
/// <param name="LeadId">The lead.</param>
/// <param name="At">From when on it counts; never earlier than the lead's facts before it.</param>
/// <param name="Measure">What is counted, such as <c>entered</c>.</param>
/// <param name="Dim1">The first breakdown, such as a status; empty for none.</param>
/// <param name="Dim2">The second breakdown; empty for none.</param>
/// <param name="Currency">The currency of the amount; empty where there is none.</param>
/// <param name="Count">How many: usually 1 or −1.</param>
/// <param name="Amount">How much money, or where the measure says so, how many seconds.</param>
/// <param name="Micros">A duration in microseconds that a median is taken of; null where there is none.</param>
public sealed record Fact(
    long Position,
    int Ordinal,
    Guid LeadId,
    DateTimeOffset At,
    string Measure,
    string Dim1,
    string Dim2,
    string Currency,
    int Count,
    decimal Amount,
    long? Micros)
{
    /// <summary>The table of a ledger's facts.</summary>
    /// <param name="name">The table's plain name.</param>
    /// <param name="withDurations">
    /// Whether medians are taken of durations, which need an index of their own; it holds all that is asked, so that no row is looked at.
    /// </param>
    /// <param name="further">Further indexes.</param>
    public static ReadTable<Fact> Table(string name, bool withDurations, params (string Suffix, string On)[] further) => new()
    {
        Name = name,
        Columns =
        [
            ReadTable<Fact>.Column("position", "bigint not null", NpgsqlDbType.Bigint, fact => fact.Position),
            ReadTable<Fact>.Column("ordinal", "integer not null", NpgsqlDbType.Integer, fact => fact.Ordinal),
            ReadTable<Fact>.Column("lead_id", "uuid not null", NpgsqlDbType.Uuid, fact => fact.LeadId),
            ReadTable<Fact>.Column("at", "timestamptz not null", NpgsqlDbType.TimestampTz, fact => fact.At),
            ReadTable<Fact>.Column("measure", "text not null", NpgsqlDbType.Text, fact => fact.Measure),
            ReadTable<Fact>.Column("dim1", "text not null", NpgsqlDbType.Text, fact => fact.Dim1),
            ReadTable<Fact>.Column("dim2", "text not null", NpgsqlDbType.Text, fact => fact.Dim2),
            ReadTable<Fact>.Column("currency", "text not null", NpgsqlDbType.Text, fact => fact.Currency),
            ReadTable<Fact>.Column("count", "integer not null", NpgsqlDbType.Integer, fact => fact.Count),
            ReadTable<Fact>.Column("amount", "numeric not null", NpgsqlDbType.Numeric, fact => fact.Amount),
            ReadTable<Fact>.Column<long?>("micros", "bigint", NpgsqlDbType.Bigint, fact => fact.Micros),
        ],
        PrimaryKey = "position, ordinal",
        StreamColumn = "lead_id",
        Indexes =
        [
            ("at", "(at)"),
            .. withDurations
                ? [("durations", "(measure, dim1, micros, at, position) where micros is not null")]
                : Array.Empty<(string, string)>(),
            .. further,
        ],
    };

    /// <summary>The totals of a ledger's facts. Durations are counted by bucket; their sum is an amount where it is wanted.</summary>
    /// <param name="name">The table's plain name.</param>
    /// <param name="byDim2">Whether they are broken down by the second breakdown too; not where it has too many values to sum.</param>
    public static DailyTotals<Fact> TotalsTable(string name, bool byDim2 = true) => new(
        name,
        fact => (
            new TotalKey(
                Times.DayOf(fact.At),
                fact.Measure,
                fact.Dim1,
                byDim2 ? fact.Dim2 : "",
                fact.Currency,
                fact.Micros is { } micros ? DurationBucket.Of(micros) : (short)0),
            new Total(fact.Count, fact.Amount, 0)),
        TimeColumn: "at",
        reader => new Fact(
            reader.GetInt64(0),
            reader.GetInt32(1),
            reader.GetGuid(2),
            reader.GetFieldValue<DateTimeOffset>(3),
            reader.GetString(4),
            reader.GetString(5),
            reader.GetString(6),
            reader.GetString(7),
            reader.GetInt32(8),
            reader.GetDecimal(9),
            reader.IsDBNull(10) ? null : reader.GetInt64(10)));
}

/// <summary>A line that a lead stands in: it counts one there, with an amount.</summary>
/// <param name="Measure">What is counted.</param>
/// <param name="Dim1">The first breakdown; empty for none.</param>
/// <param name="Value">The lead's value; null for none.</param>
/// <param name="Sign">1 where the lead stands in the line, −1 where it is taken out.</param>
public readonly record struct Standing(string Measure, string Dim1, Money? Value, int Sign = 1);

/// <summary>Collects the facts of one event.</summary>
public sealed class FactList(RecordedEvent recorded, DateTimeOffset at)
{
    private readonly List<Fact> facts = [];

    /// <summary>From when on the facts count.</summary>
    public DateTimeOffset At => at;

    /// <summary>The facts so far.</summary>
    public IReadOnlyList<Fact> Facts => facts;

    /// <summary>Adds a fact.</summary>
    public void Add(string measure, string dim1 = "", string dim2 = "", int count = 1, Money? value = null, long? micros = null) =>
        Add(measure, dim1, dim2, value?.Currency ?? "", count, value is null ? 0 : count * value.Amount, micros);

    /// <summary>Adds a fact of a duration whose seconds are its amount.</summary>
    public void AddDuration(string measure, string dim1, long micros) =>
        Add(measure, dim1, "", "", 1, micros / 1_000_000m, micros);

    /// <summary>Adds the facts that turn the sum of some standings (sign −1) into that of others (sign 1).</summary>
    public void Move(IEnumerable<Standing> standings)
    {
        var sums = new Dictionary<(string Measure, string Dim1, string Currency), (int Count, decimal Amount)>();
        foreach (var standing in standings)
        {
            var key = (standing.Measure, standing.Dim1, standing.Value?.Currency ?? "");
            var sum = sums.GetValueOrDefault(key);
            sums[key] = (sum.Count + standing.Sign, sum.Amount + (standing.Sign * (standing.Value?.Amount ?? 0)));
        }

        foreach (var (key, sum) in sums)
        {
            if (sum is not (0, 0))
            {
                Add(key.Measure, key.Dim1, "", key.Currency, sum.Count, sum.Amount, micros: null);
            }
        }
    }

    private void Add(string measure, string dim1, string dim2, string currency, int count, decimal amount, long? micros) =>
        facts.Add(new Fact(recorded.Position, facts.Count, recorded.StreamId, at, measure, dim1, dim2, currency, count, amount, micros));
}
