using Crm.Domain.Leads;
using Npgsql;

namespace Crm.Projections.Tests;

/// <summary>
/// Every list and every step of a report has an index that serves it. The tables here are small, so the planner is kept from reading
/// them whole; what is checked is that an index is there and fits, by its name.
/// </summary>
public sealed class Query_plans(OrderlyReadModels models) : IClassFixture<OrderlyReadModels>
{
    public static TheoryData<string, string> Lists => new()
    {
        { "createdAt", "_created" }, { "updatedAt", "_updated" }, { "score", "_score" }, { "value", "_value" },
        { "lastName", "_last_name" },
        { "company", "_company" }, { "status", "_created" }, { "owner", "_created" }, { "source", "_created" }, { "archived", "_archived" },
        { "owner by name", "_last_name" }, { "status by score", "_score" }, { "source by value", "_value" }, { "warm by name", "_last_name" },
        { "month by score", "_score" },
        { "q", "_text" }, { "short q", "_text" }, { "tag", "_tags" }, { "rare q", "_text" },
        { "next page", "_created" }, { "as of", "_created" }, { "as of by status", "_created" }, { "as of by score", "_score" },
        { "as of by company", "_company" },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task a_list_goes_by_an_index(string list, string index)
    {
        var moment = AsOf.At(Story.Start.AddDays(20));
        var query = list switch
        {
            "createdAt" => new LeadQuery(),
            "updatedAt" => new LeadQuery { Sort = LeadSort.UpdatedAt },
            "score" => new LeadQuery { Sort = LeadSort.Score },
            "value" => new LeadQuery { Sort = LeadSort.Value, Descending = false },
            "lastName" => new LeadQuery { Sort = LeadSort.LastName },
            "company" => new LeadQuery { Sort = LeadSort.Company, Descending = false },
            "status" => new LeadQuery { Status = LeadStatus.Qualified },
            "owner" => new LeadQuery { OwnerId = GeneratedHistory.Agents[0] },
            "source" => new LeadQuery { Source = "referral" },
            "owner by name" => new LeadQuery { OwnerId = GeneratedHistory.Agents[0], Sort = LeadSort.LastName },
            "status by score" => new LeadQuery { Status = LeadStatus.Qualified, Sort = LeadSort.Score },
            "source by value" => new LeadQuery { Source = "referral", Sort = LeadSort.Value },
            "warm by name" => new LeadQuery { Temperature = Temperature.Warm, Sort = LeadSort.LastName },
            "month by score" => new LeadQuery { CreatedFrom = Story.Start, CreatedTo = Story.Start.AddDays(30), Sort = LeadSort.Score },
            "archived" => new LeadQuery { Archived = true },
            "q" or "rare q" => new LeadQuery { Q = "smith" },
            "short q" => new LeadQuery { Q = "sm" },
            "tag" => new LeadQuery { Tag = "vip" },
            "next page" => new LeadQuery(),
            "as of" => new LeadQuery { AsOf = moment },
            "as of by status" => new LeadQuery { AsOf = moment, Status = LeadStatus.New },
            "as of by company" => new LeadQuery { AsOf = moment, Sort = LeadSort.Company },
            "as of by score" => new LeadQuery { AsOf = moment, Sort = LeadSort.Score },
            _ => throw new ArgumentOutOfRangeException(nameof(list), list, "No such list."),
        };
        var after = list == "next page" ? new Cursor($"{Story.Start.AddDays(9).UtcTicks}", Story.Id(1).ToString("D")) : null;

        // The trigram and tag indexes only compete when walking the order and probing each row is not to be had.
        var forced = index is "_text" or "_tags" ? "set enable_indexscan = off; " : "set enable_sort = off; ";
        var plan = await Explain(forced, LeadSelect.Of(query, Visibility.All, after, 26, list == "rare q" ? new SearchWay(["smi", "ith"]) : null));
        Assert.Contains(index, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("position <= 9", "audit_trail", "_pk")]
    [InlineData("actor = 'system'", "audit_trail", "_actor")]
    [InlineData("type = 'lead-qualified'", "audit_trail", "_type")]
    [InlineData("stream_id = '00000000-0000-7000-8000-000000000001'", "audit_trail", "_stream")]
    [InlineData("operation_id = 'op-1'", "audit_trail", "_operation")]
    [InlineData("api_key_id = 'k' and position > 5", "audit_trail", "_api_key")]
    [InlineData("correlation_id = 'c1' and position > 5", "audit_trail", "_correlation")]
    [InlineData("measure = 'left' and dim1 = 'new' and micros >= 1 and micros < 9", "funnel_facts", "_durations")]
    [InlineData("measure = 'left' and day = '-infinity'", "funnel_totals", "pkey")]
    [InlineData("at between '2026-01-07' and '2026-01-08'", "activity_facts", "_at")]
    [InlineData("position > 1000", "agents_facts", "_pk")]
    public async Task a_step_of_a_query_goes_by_an_index(string where, string table, string index)
    {
        var order = table == "audit_trail" ? " order by position desc limit 26" : "";
        var plan = await Explain("set enable_sort = off; set enable_bitmapscan = off; ",
            new NpgsqlBatchCommand($"select 1 from crm_read.{table} where {where}{order}"));
        Assert.Contains(index, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("newest", "_created")]
    [InlineData("status by score", "_score")]
    [InlineData("as of", "_created")]
    public async Task an_agents_list_goes_by_the_same_index(string list, string index)
    {
        var query = list switch
        {
            "newest" => new LeadQuery(),
            "status by score" => new LeadQuery { Status = LeadStatus.Qualified, Sort = LeadSort.Score },
            "as of" => new LeadQuery { AsOf = AsOf.At(Story.Start.AddDays(20)) },
            _ => throw new ArgumentOutOfRangeException(nameof(list), list, "No such list."),
        };
        const string forced = "set enable_sort = off; set enable_bitmapscan = off; ";
        var plan = await Explain(forced, LeadSelect.Of(query, Visibility.Of(GeneratedHistory.Agents[..2]), after: null, 26));
        Assert.Contains(index, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_feeds_question_whose_leads_these_are_goes_by_the_key()
    {
        var plan = await Explain("", LeadBoard.VisibleOf([Story.Id(1), Story.Id(2)], Visibility.Of(GeneratedHistory.Agents[..2])));
        Assert.Contains("_pk", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    private async Task<string> Explain(string settings, NpgsqlBatchCommand statement)
    {
        await using var connection = await models.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("select set_config('plan_cache_mode', 'force_custom_plan', true)"),
                new NpgsqlBatchCommand("select set_config('enable_seqscan', 'off', true)"),
            },
        };
        foreach (var setting in settings.Split("; ", StringSplitOptions.RemoveEmptyEntries))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"select set_config('{setting.Split(' ')[1]}', 'off', true)"));
        }

        statement.CommandText = "explain " + statement.CommandText;
        batch.BatchCommands.Add(statement);
        await using var reader = await batch.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var lines = new List<string>();
        do
        {
            while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            {
                lines.Add(reader.GetString(0));
            }
        }
        while (await reader.NextResultAsync(TestContext.Current.CancellationToken));
        return string.Join('\n', lines);
    }
}
