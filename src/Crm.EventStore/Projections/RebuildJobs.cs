using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Projections;

/// <summary>Long work that somebody started and can look at.</summary>
/// <param name="Id">The job.</param>
/// <param name="Kind">What kind of work, such as <c>rebuild</c>.</param>
/// <param name="Subject">On what, such as a projection's name.</param>
/// <param name="State"><c>running</c>, <c>done</c>, <c>failed</c>, or <c>interrupted</c> when its host went away.</param>
/// <param name="Done">How much is done, in events.</param>
/// <param name="Total">Of how much; null when not known yet.</param>
/// <param name="Message">What it is doing, or why it failed.</param>
/// <param name="Result">What it came to, as JSON; null while it runs.</param>
/// <param name="RequestedBy">Who started it.</param>
/// <param name="CreatedAt">When it was started.</param>
/// <param name="UpdatedAt">When it last moved.</param>
public sealed record Job(
    Guid Id, string Kind, string Subject, string State, long Done, long? Total, string? Message, string? Result, string? RequestedBy,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>Rebuilds that were started over HTTP: they run on this host and can be looked at from any.</summary>
public sealed partial class RebuildJobs(NpgsqlDataSource database, Rebuilder rebuilder, ILogger<RebuildJobs> logger)
{
    private readonly ConcurrentDictionary<Guid, Task> running = new();

    /// <summary>Starts a rebuild and answers its job at once. It goes on until it is done or the host stops.</summary>
    /// <param name="projection">The projection.</param>
    /// <param name="job">The job's id, made by the caller.</param>
    /// <param name="requestedBy">Who asked.</param>
    /// <param name="hostStopping">Cancels the rebuild: the live build goes on as it is.</param>
    /// <param name="ct">Cancels the start only.</param>
    public async Task Start(Projection projection, Guid job, string? requestedBy, CancellationToken hostStopping, CancellationToken ct)
    {
        await using var insert = database.CreateCommand(
            "insert into crm.jobs (id, kind, subject, state, message, requested_by) values ($1, 'rebuild', $2, 'running', 'waiting for its turn', $3)");
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection.Name });
        insert.Parameters.Add(new NpgsqlParameter { Value = (object?)requestedBy ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await insert.ExecuteNonQueryAsync(ct);
        running[job] = Task.Run(() => Run(projection, job, hostStopping), CancellationToken.None);
    }

    /// <summary>A job, wherever it runs; null when there is none under this id.</summary>
    public async Task<Job?> Find(Guid job, CancellationToken ct)
    {
        await using var find = database.CreateCommand(
            """
            select id, kind, subject,
                   case when state = 'running' and updated_at < clock_timestamp() - interval '30 s' then 'interrupted' else state end,
                   done, total, message, result::text, requested_by, created_at, updated_at
            from crm.jobs where id = $1
            """);
        find.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job });
        await using var reader = await find.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            return null;
        }

        return new Job(
            reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(4),
            await reader.IsDBNullAsync(5, ct) ? null : reader.GetInt64(5),
            await reader.IsDBNullAsync(6, ct) ? null : reader.GetString(6),
            await reader.IsDBNullAsync(7, ct) ? null : reader.GetString(7),
            await reader.IsDBNullAsync(8, ct) ? null : reader.GetString(8),
            reader.GetFieldValue<DateTimeOffset>(9), reader.GetFieldValue<DateTimeOffset>(10));
    }

    /// <summary>Waits until the jobs of this host have ended, after they were told to stop.</summary>
    public Task Ended() => Task.WhenAll(running.Values);

    private async Task Run(Projection projection, Guid job, CancellationToken ct)
    {
        var latest = new RebuildProgress("waiting for its turn", 0, 0);
        using var over = new CancellationTokenSource();
        var telling = Tell(job, () => Volatile.Read(ref latest), over.Token);
        try
        {
            var report = await rebuilder.Rebuild(projection, new Latest(each => Volatile.Write(ref latest, each)), ct);
            await End(over, telling);
            await Update(job, "done", latest, JsonSerializer.Serialize(report, JsonSerializerOptions.Web));
        }
        catch (OperationCanceledException)
        {
            await End(over, telling);
            await Update(job, "interrupted", latest with { Phase = "the host stopped; the live build goes on as it was" }, result: null);
        }
        catch (Exception fault)
        {
            LogFailed(projection.Name, fault);
            await End(over, telling);
            await Update(job, "failed", latest with { Phase = $"{fault.GetType().Name} while {latest.Phase}; the live build goes on as it was" }, result: null);
        }
        finally
        {
            running.TryRemove(job, out _);
        }
    }

    private static async Task End(CancellationTokenSource over, Task telling)
    {
        await over.CancelAsync();
        await telling;
    }

    private async Task Tell(Guid job, Func<RebuildProgress> latest, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await Update(job, "running", latest(), result: null);
            await Task.Delay(TimeSpan.FromMilliseconds(500), over).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Update(Guid job, string state, RebuildProgress progress, string? result)
    {
        try
        {
            await using var update = database.CreateCommand(
                "update crm.jobs set state = $2, done = $3, total = $4, message = $5, result = $6::jsonb, updated_at = clock_timestamp() where id = $1");
            update.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job });
            update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = state });
            update.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Done });
            update.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Total });
            update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = progress.Phase });
            update.Parameters.Add(new NpgsqlParameter { Value = (object?)result ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            await update.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (NpgsqlException unreachable)
        {
            // The job's row falls behind and reads as interrupted; the rebuild itself fails or goes on by its own connections.
            LogNotTold(job, unreachable.Message);
        }
    }

    /// <summary>Keeps the newest progress, without the thread pool's reordering of <see cref="Progress{T}"/>.</summary>
    private sealed class Latest(Action<RebuildProgress> take) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => take(value);
    }

    [LoggerMessage(LogLevel.Error, "The rebuild of {Projection} failed")]
    private partial void LogFailed(string projection, Exception fault);

    [LoggerMessage(LogLevel.Warning, "The progress of job {Job} could not be written: {Message}")]
    private partial void LogNotTold(Guid job, string message);
}
