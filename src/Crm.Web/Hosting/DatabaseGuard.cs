using System.Net.Sockets;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Npgsql;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Crm.Web.Hosting;

/// <summary>
/// Stands before everything that asks the database. A read whose connection was lost is tried twice more; when half of the requests
/// lose their connection, the rest are told 503 at once, until one that is let through succeeds. Slow or refused statements, and a pool
/// that is used up, do not count: only a database that is not there. Commands are never repeated here; the runner and the receipts do that.
/// </summary>
public sealed class DatabaseGuard
{
    private static readonly ResiliencePropertyKey<HttpContext> request = new("request");
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan secondPause = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan longestBreak = TimeSpan.FromSeconds(4);

    private readonly CircuitBreakerStateProvider state = new();
    private readonly ResiliencePipeline commands;
    private readonly ResiliencePipeline reads;

    /// <summary>A guard that lets everything through, until it has seen faults.</summary>
    public DatabaseGuard(TimeProvider clock)
    {
        commands = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 0.5,
                MinimumThroughput = 10,
                SamplingDuration = TimeSpan.FromSeconds(5),
                BreakDurationGenerator = static broken => ValueTask.FromResult(
                    TimeSpan.FromSeconds(Math.Min(longestBreak.TotalSeconds, Math.Pow(2, Math.Min(broken.HalfOpenAttempts, 10))))),
                ShouldHandle = static done => ValueTask.FromResult(done.Outcome.Exception is { } fault && IsLost(fault)),
                StateProvider = state,
            })
            .Build();
        reads = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = 2,
                DelayGenerator = static again => ValueTask.FromResult<TimeSpan?>(
                    (again.AttemptNumber == 0 ? firstPause : secondPause) * (0.75 + (Random.Shared.NextDouble() / 2))),
                ShouldHandle = static done => ValueTask.FromResult(
                    done.Outcome.Exception is { } fault && IsLost(fault)
                    && done.Context.Properties.TryGetValue(request, out var http) && !http.Response.HasStarted),
            })
            .AddPipeline(commands)
            .Build();
    }

    /// <summary>Whether requests are told 503 without a try.</summary>
    public bool IsOpen => state.CircuitState is CircuitState.Open or CircuitState.Isolated;

    /// <summary>Carries a request out behind the guard.</summary>
    /// <exception cref="BrokenCircuitException">The guard lets nothing through just now.</exception>
    public async Task Run(HttpContext http, RequestDelegate next)
    {
        var isRead = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);
        var context = ResilienceContextPool.Shared.Get(http.RequestAborted);
        if (isRead)
        {
            context.Properties.Set(request, http);
        }

        try
        {
            await (isRead ? reads : commands).ExecuteAsync(
                static async (_, state) => await state.next(state.http), context, (next, http));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Whether a fault says that the database is not there, rather than slow, busy or unwilling.</summary>
    public static bool IsLost(Exception fault) => fault switch
    {
        LogUnavailableException { InnerException: { } inner } => IsLost(inner),
        PostgresException refused => refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow || refused.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException { InnerException: TimeoutException } waited => waited.Message.StartsWith("Failed to connect", StringComparison.Ordinal),
        NpgsqlException => true,
        SocketException => true,
        _ => false,
    };
}

/// <summary>Puts the guard before the API.</summary>
internal static class DatabaseGuardSetup
{
    /// <summary>From here on the database is asked.</summary>
    public static void UseDatabaseGuard(this WebApplication app)
    {
        var guard = app.Services.GetRequiredService<DatabaseGuard>();
        var metrics = app.Services.GetRequiredService<EdgeMetrics>();
        app.Use(next => http => http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
            ? Guarded(http, next, guard, metrics)
            : next(http));
    }

    private static async Task Guarded(HttpContext http, RequestDelegate next, DatabaseGuard guard, EdgeMetrics metrics)
    {
        try
        {
            await guard.Run(http, next);
        }
        catch (BrokenCircuitException open)
        {
            metrics.Rejected("breaker");
            var seconds = (int)Math.Max(1, Math.Ceiling(open.RetryAfter?.TotalSeconds ?? 1));
            await Problems.Write(http, Problem.Unavailable("The database cannot be reached.", seconds));
        }
    }
}
