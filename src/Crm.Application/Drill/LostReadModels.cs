using System.Diagnostics;
using System.Globalization;
using Crm.Application.Recovery;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.Application.Drill;

/// <summary>Drops every read model of a throwaway database, and rebuilds them from the log until they are what they were.</summary>
internal static class LostReadModels
{
    private const string Standing = "select count(*) from pg_tables where schemaname = 'crm_read'";

    // With the views that queries go through.
    private const string Dropped =
        """
        do $$
        declare lost text;
        begin
            for lost in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'crm_read' loop
                execute format('drop table %s cascade', lost);
            end loop;
        end $$
        """;

    /// <summary>Drills it; the answer says what it came to.</summary>
    /// <exception cref="DrillFailedException">A rebuilt table is not what it was.</exception>
    public static async Task<string> Drill(
        NpgsqlDataSource app, Func<NpgsqlDataSource, EventLog> open, IReadOnlyList<Projection> projections, ILoggerFactory loggers,
        IProgress<RecoveryProgress> progress, CancellationToken ct)
    {
        var before = await Digests(app, projections, ct);
        await using (var drop = app.CreateCommand(Dropped))
        {
            await drop.ExecuteNonQueryAsync(ct);
        }

        await using (var standing = app.CreateCommand(Standing))
        {
            if (await standing.ExecuteScalarAsync(ct) is not 0L)
            {
                throw new DrillFailedException("The read models could not be dropped.");
            }
        }

        var began = Stopwatch.GetTimestamp();
        await using (var log = open(app))
        {
            await ReadModelBuilds.All(app, log, projections, loggers, new RecoverySteps(progress), ct);
        }

        var rebuilt = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var after = await Digests(app, projections, ct);
        var differing = before.Where(table => after[table.Key] != table.Value).Select(static table => table.Key).ToList();
        var rows = before.Values.Sum(static digest => digest.Rows);
        return differing is []
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{before.Count} tables with {rows:N0} rows were dropped, rebuilt in {rebuilt:F1} s, and equal what they were.")
            : throw new DrillFailedException($"Rebuilt, these do NOT equal what they were: {string.Join(", ", differing)}.");
    }

    private static async Task<Dictionary<string, TableDigest>> Digests(
        NpgsqlDataSource app, IReadOnlyList<Projection> projections, CancellationToken ct)
    {
        await using var connection = await app.OpenConnectionAsync(ct);
        var digests = new Dictionary<string, TableDigest>(StringComparer.Ordinal);
        foreach (var table in projections.SelectMany(static projection => projection.Tables))
        {
            digests.Add(table, await TableDigest.Of(connection, $"crm_read.{table}", ct));
        }

        return digests;
    }
}
