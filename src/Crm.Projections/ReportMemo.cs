using System.Runtime.CompilerServices;
using Npgsql;

namespace Crm.Projections;

/// <summary>
/// Remembers the report on everything as long as its projection stands where it stood: at one checkpoint it can only come out the same.
/// Whoever asks a second host is answered the same, a little later.
/// </summary>
internal sealed class ReportMemo<TReport>(string projection)
    where TReport : class
{
    private readonly ConditionalWeakTable<NpgsqlDataSource, Remembered> reports = [];

    /// <summary>The report, read anew when the projection has moved on or the period is not everything up to now.</summary>
    public async Task<TReport> Read(
        NpgsqlDataSource database, Period period, Visibility visible, Func<Task<TReport>> read, CancellationToken ct)
    {
        // What is remembered counts everybody's leads: it is never shown to somebody who may not see them.
        if (period != Period.Everything || !visible.IsAll)
        {
            return await read();
        }

        // The checkpoint first: what is read after it is at least as new.
        var checkpoint = await Checkpoint(database, ct);
        if (reports.TryGetValue(database, out var known) && known.Checkpoint == checkpoint)
        {
            return known.Report;
        }

        var report = await read();
        if (checkpoint is not null)
        {
            reports.AddOrUpdate(database, new Remembered(checkpoint, report));
        }

        return report;
    }

    private async Task<string?> Checkpoint(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select build || '/' || position from crm.projections where name = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection });
        return (string?)await command.ExecuteScalarAsync(ct);
    }

    private sealed record Remembered(string Checkpoint, TReport Report);
}
