using Crm.Domain;
using Npgsql;

namespace Crm.Projections;

/// <summary>What one agent has and did.</summary>
/// <param name="AgentId">The agent; null for what counts for nobody.</param>
/// <param name="Name">The agent's name as it is now; null where no such user is known.</param>
/// <param name="Owned">Leads that are theirs at the moment, archived ones not.</param>
/// <param name="Assigned">Leads assigned to them in the period.</param>
/// <param name="Claimed">Leads they claimed.</param>
/// <param name="TransferredIn">Leads transferred to them.</param>
/// <param name="TransferredOut">Leads transferred from them.</param>
/// <param name="Unassigned">Leads taken from them.</param>
/// <param name="Completed">Assignments of theirs that were completed.</param>
/// <param name="Activities">Activities they logged, by kind.</param>
/// <param name="Qualified">Leads of theirs that were qualified.</param>
/// <param name="Converted">Leads of theirs that were converted, less those taken back.</param>
/// <param name="Disqualified">Leads of theirs that were disqualified.</param>
/// <param name="ValueConverted">The value of those converted, per currency.</param>
public sealed record AgentLine(
    Guid? AgentId,
    string? Name,
    long Owned,
    long Assigned,
    long Claimed,
    long TransferredIn,
    long TransferredOut,
    long Unassigned,
    long Completed,
    IReadOnlyDictionary<string, long> Activities,
    long Qualified,
    long Converted,
    long Disqualified,
    IReadOnlyList<Money> ValueConverted);

public sealed partial class Agents
{
    private static readonly ReportMemo<IReadOnlyList<AgentLine>> Memo = new("agents");

    private static readonly string[] Flows =
    [
        "assigned", "claimed", "transferred-in", "transferred-out", "unassigned", "completed",
        "activity", "qualified", "converted", "disqualified",
    ];

    private static readonly string[] Levels = ["owned"];

    /// <summary>The agents, those who own the most first: what they own at the moment, and what they did in the period.</summary>
    public static Task<IReadOnlyList<AgentLine>> Read(NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct) =>
        Memo.Read(database, period, visible, () => Compute(database, period, visible, ct), ct);

    private static async Task<IReadOnlyList<AgentLine>> Compute(
        NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct)
    {
        await using var ledger = await LedgerReader.Open(database, "agents", visible, ct);
        var flows = await ledger.Read(Flows, period, ct);
        var levels = await ledger.Read(Levels, period.UpToMoment, ct);
        var agents = flows.Concat(levels).GroupBy(sum => sum.Dim1, StringComparer.Ordinal)
            .Where(agent => visible.IsAll || AgentOf(agent.Key) is not { } id || visible.Owners.Contains(id)).ToList();
        var names = await Names(ledger.Connection, [.. agents.Select(agent => AgentOf(agent.Key)).OfType<Guid>()], ct);
        return
        [
            .. agents.Select(agent => Line(agent, names))
                .OrderByDescending(line => line.Owned).ThenBy(line => line.Name, StringComparer.Ordinal).ThenBy(line => line.AgentId),
        ];
    }

    /// <summary>The names of users as they are now; those that are not known are left out.</summary>
    public static async Task<IReadOnlyDictionary<Guid, string>> Names(NpgsqlConnection connection, Guid[] users, CancellationToken ct)
    {
        var names = new Dictionary<Guid, string>();
        await using var command = new NpgsqlCommand(
            "select stream_id, name from crm_read.agents_streams where stream_id = any($1) and name is not null", connection)
        {
            Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = users } },
        };
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            names.Add(reader.GetGuid(0), reader.GetString(1));
        }

        return names;
    }

    private static Guid? AgentOf(string dim1) => dim1.Length == 0 ? null : Guid.ParseExact(dim1, "D");

    private static AgentLine Line(IGrouping<string, Sum> agent, IReadOnlyDictionary<Guid, string> names)
    {
        long Count(string measure) => agent.Where(sum => sum.Measure == measure).Sum(sum => sum.Count);
        var id = AgentOf(agent.Key);
        return new AgentLine(
            id,
            id is { } known ? names.GetValueOrDefault(known) : null,
            Count("owned"),
            Count("assigned"),
            Count("claimed"),
            Count("transferred-in"),
            Count("transferred-out"),
            Count("unassigned"),
            Count("completed"),
            agent.Where(sum => sum.Measure == "activity").GroupBy(sum => sum.Dim2, StringComparer.Ordinal)
                .ToDictionary(kind => kind.Key, kind => kind.Sum(sum => sum.Count), StringComparer.Ordinal),
            Count("qualified"),
            Count("converted"),
            Count("disqualified"),
            LedgerReader.PerCurrency(agent.Where(sum => sum.Measure == "converted").Select(sum => (sum.Currency, sum.Amount))));
    }
}
