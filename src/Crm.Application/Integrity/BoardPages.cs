using System.Runtime.CompilerServices;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>Reads the lead board page by page.</summary>
internal sealed class BoardPages(NpgsqlDataSource database)
{
    private const int AtOnce = 20_000;

    /// <summary>Every row, in the order of the leads' ids.</summary>
    public async IAsyncEnumerable<BoardRow> All(
        IProgress<IntegrityProgress>? progress, [EnumeratorCancellation] CancellationToken ct)
    {
        var after = Guid.Empty;
        var page = new List<BoardRow>();
        do
        {
            progress?.Report(new IntegrityProgress("leads", 0));
            page.Clear();
            await using (var look = database.CreateCommand(BoardRow.PageSql))
            {
                look.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
                look.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AtOnce });
                await using var reader = await look.ExecuteReaderAsync(ct);
                while (await reader.ReadAsync(ct))
                {
                    page.Add(BoardRow.Read(reader));
                }
            }

            foreach (var row in page)
            {
                yield return row;
            }

            after = page is [.., var last] ? last.LeadId : after;
        }
        while (page.Count == AtOnce);
    }

    /// <summary>The rows that offend against a check.</summary>
    public async IAsyncEnumerable<BoardRow> Offenders(
        IntegrityCheck check, DateTimeOffset now, [EnumeratorCancellation] CancellationToken ct)
    {
        var (_, holds) = LeadRowChecks.All.First(each => each.Check == check);
        await foreach (var row in All(progress: null, ct))
        {
            if (holds(row, now) is false)
            {
                yield return row;
            }
        }
    }
}
