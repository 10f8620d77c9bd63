using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Jobs;

/// <summary>Long work that was started over HTTP: it runs on this host and can be looked at from any.</summary>
public sealed partial class RunningJobs(NpgsqlDataSource database, ILogger<RunningJobs> logger)
{
    private const string Columns =
        """
        id, kind, subject,
        case when state = 'running' and updated_at < clock_timestamp() - interval '30 s' then 'interrupted' else state end,
        done, total, message, result::text, requested_by, created_at, updated_at
        """;

    private readonly ConcurrentDictionary<Guid, Task> running = new();

    /// <summary>Starts a job and answers at once. It goes on until it is done or the host stops.</summary>
    /// <param name="job">What is known of it: id, kind, subject, and who asked. The rest is written as it goes.</param>
    /// <param name="work">The work: told to whom it reports, it answers what it came to, as JSON.</param>
    /// <param name="hostStopping">Stops the work.</param>
    /// <param name="ct">Cancels the start only.</param>
    public async Task Start(
        (Guid Id, string Kind, string Subject, string? RequestedBy) job,
        Func<IProgress<JobProgress>, CancellationToken, Task<string>> work,
        CancellationToken hostStopping,
        CancellationToken ct)
    {
        await using var insert = database.CreateCommand(
            """
            insert into crm.jobs (id, kind, subject, state, message, requested_by)
            values ($1, $2, $3, 'running', 'waiting for its turn', $4)
            """);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job.Id });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = job.Kind });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = job.Subject });
        insert.Parameters.Add(new NpgsqlParameter { Value = (object?)job.RequestedBy ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await insert.ExecuteNonQueryAsync(ct);
        running[job.Id] = Task.Run(() => Run(job.Id, job.Kind, job.Subject, work, hostStopping), CancellationToken.None);
    }

    /// <summary>A job, wherever it runs; null when there is none under this id.</summary>
    public async Task<Job?> Find(Guid job, CancellationToken ct)
    {
        await using var find = database.CreateCommand($"select {Columns} from crm.jobs where id = $1");
        find.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job });
        return await ReadOne(find, ct);
    }

    /// <summary>The job of a kind that was started last and is in this state; null when there is none.</summary>
    public async Task<Job?> Last(string kind, string state, CancellationToken ct)
    {
        await using var find = database.CreateCommand(
            $"select {Columns} from crm.jobs where kind = $1 and state = $2 order by created_at desc limit 1");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = state });
        return await ReadOne(find, ct);
    }

    /// <summary>Forgets the jobs of a kind but for the newest, so many.</summary>
    public async Task Prune(string kind, int keep, CancellationToken ct)
    {
        await using var prune = database.CreateCommand(
            """
            delete from crm.jobs where kind = $1 and state <> 'running'
                and created_at < (select created_at from crm.jobs where kind = $1 order by created_at desc offset $2 limit 1)
            """);
        prune.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        prune.Parameters.Add(new NpgsqlParameter<int> { TypedValue = keep });
        await prune.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Waits until a job of this host has ended; at once where it runs elsewhere, or not at all.</summary>
    public Task Ended(Guid job) => running.GetValueOrDefault(job, Task.CompletedTask);

    /// <summary>Waits until the jobs of this host have ended, after they were told to stop.</summary>
    public Task Ended() => Task.WhenAll(running.Values);

    private async Task Run(
        Guid job, string kind, string subject, Func<IProgress<JobProgress>, CancellationToken, Task<string>> work, CancellationToken ct)
    {
        var latest = new JobProgress("waiting for its turn", 0, 0);
        using var over = new CancellationTokenSource();
        var telling = Tell(job, () => Volatile.Read(ref latest), over.Token);
        try
        {
            var result = await work(new Latest(each => Volatile.Write(ref latest, each)), ct);
            await End(over, telling);
            await Update(job, "done", latest, result);
        }
        catch (OperationCanceledException)
        {
            await End(over, telling);
            await Update(job, "interrupted", latest with { Phase = "the host stopped" }, result: null);
        }
        catch (Exception fault)
        {
            LogFailed(kind, subject, fault);
            await End(over, telling);
            await Update(job, "failed", latest with { Phase = $"{fault.GetType().Name} while {latest.Phase}" }, result: null);
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

    private async Task Tell(Guid job, Func<JobProgress> latest, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await Update(job, "running", latest(), result: null);
            await Task.Delay(TimeSpan.FromMilliseconds(500), over)
                .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Update(Guid job, string state, JobProgress progress, string? result)
    {
        try
        {
            await using var update = database.CreateCommand(
                """
                update crm.jobs set state = $2, done = $3, total = $4, message = $5, result = $6::jsonb, updated_at = clock_timestamp()
                where id = $1
                """);
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
            // The job's row falls behind and reads as interrupted; the work itself fails or goes on by its own connections.
            LogNotTold(job, unreachable.Message);
        }
    }

    private static async Task<Job?> ReadOne(NpgsqlCommand find, CancellationToken ct)
    {
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

    /// <summary>Keeps the newest progress, without the thread pool's reordering of <see cref="Progress{T}"/>.</summary>
    private sealed class Latest(Action<JobProgress> take) : IProgress<JobProgress>
    {
        public void Report(JobProgress value) => take(value);
    }

    [LoggerMessage(LogLevel.Error, "The job {Kind} of {Subject} failed")]
    private partial void LogFailed(string kind, string subject, Exception fault);

    [LoggerMessage(LogLevel.Warning, "The progress of job {Job} could not be written: {Message}")]
    private partial void LogNotTold(Guid job, string message);
}
