using System.Collections.Concurrent;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Hosting;

/// <summary>How many requests are carried out at once on this host, and how many wait: beyond that they are told so, instead of piling up.</summary>
public sealed class RequestRoom(EdgeOptions options) : IDisposable
{
    private readonly SemaphoreSlim room = new(options.RequestsAtOnce);
    private int waiting;

    /// <summary>Enters, after a short wait where there is no room; false when there is none by then, or too many wait already.</summary>
    public ValueTask<bool> Enter(CancellationToken ct)
    {
        var entered = room.WaitAsync(TimeSpan.Zero, CancellationToken.None); // ends at once
        return entered is { IsCompletedSuccessfully: true, Result: true } ? ValueTask.FromResult(true) : new ValueTask<bool>(Wait(ct));
    }

    /// <summary>Leaves.</summary>
    public void Leave() => room.Release();

    /// <inheritdoc/>
    public void Dispose() => room.Dispose();

    private async Task<bool> Wait(CancellationToken ct)
    {
        try
        {
            return Interlocked.Increment(ref waiting) <= options.RequestsWaiting && await room.WaitAsync(options.WaitsAtMost, ct);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }
}

/// <summary>How many event streams are open on this host, in all and for each caller.</summary>
public sealed class StreamRoom(EdgeOptions options)
{
    private readonly ConcurrentDictionary<string, int> open = new(StringComparer.Ordinal);
    private int all;

    /// <summary>Begins a stream; false when there are too many.</summary>
    public bool Enter(string caller)
    {
        if (Interlocked.Increment(ref all) > options.StreamsAtOnce)
        {
            Interlocked.Decrement(ref all);
            return false;
        }

        if (open.AddOrUpdate(caller, 1, static (_, streams) => streams + 1) > options.StreamsPerCaller)
        {
            Leave(caller);
            return false;
        }

        return true;
    }

    /// <summary>Ends it.</summary>
    public void Leave(string caller)
    {
        Interlocked.Decrement(ref all);
        if (open.AddOrUpdate(caller, 0, static (_, streams) => streams - 1) == 0)
        {
            open.TryRemove(KeyValuePair.Create(caller, 0));
        }
    }
}

/// <summary>Puts the limits of what runs at once before the API.</summary>
internal static class RequestRoomSetup
{
    private const string Streams = "/api/v1/events/stream";

    /// <summary>Requests beyond the room are told 503. Outside stands what must answer when nothing else does; streams have their own room.</summary>
    public static void UseRequestRoom(this WebApplication app)
    {
        var room = app.Services.GetRequiredService<RequestRoom>();
        var metrics = app.Services.GetRequiredService<EdgeMetrics>();
        app.Use(next => http => IsOutside(http.Request.Path) ? next(http) : InRoom(http, next, room, metrics));
    }

    /// <summary>Streams beyond the room, or beyond what one caller may have, are told 503.</summary>
    public static void UseStreamRoom(this WebApplication app)
    {
        var streams = app.Services.GetRequiredService<StreamRoom>();
        var metrics = app.Services.GetRequiredService<EdgeMetrics>();
        app.Use(next => http => IsStream(http.Request.Path) && http.User.Identity is { IsAuthenticated: true }
            ? InStreams(http, next, streams, metrics)
            : next(http));
    }

    private static bool IsStream(PathString path) => path.Equals(Streams, StringComparison.OrdinalIgnoreCase);

    private static bool IsOutside(PathString path) =>
        path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase) || path.Equals("/metrics", StringComparison.OrdinalIgnoreCase) || IsStream(path);

    private static async Task InRoom(HttpContext http, RequestDelegate next, RequestRoom room, EdgeMetrics metrics)
    {
        if (!await room.Enter(http.RequestAborted))
        {
            metrics.Rejected("busy");
            await Problems.Write(http, Problem.Unavailable("Too many requests are being carried out at this moment."));
            return;
        }

        try
        {
            await next(http);
        }
        finally
        {
            room.Leave();
        }
    }

    private static async Task InStreams(HttpContext http, RequestDelegate next, StreamRoom streams, EdgeMetrics metrics)
    {
        var caller = http.User.FindFirst(RequestHeaders.ApiKey)?.Value ?? http.User.FindFirst(Caller.UserIdClaim)?.Value ?? "";
        if (!streams.Enter(caller))
        {
            metrics.Rejected("streams");
            await Problems.Write(http, Problem.Unavailable("Too many event streams are open.", retryAfter: 5));
            return;
        }

        try
        {
            await next(http);
        }
        finally
        {
            streams.Leave(caller);
        }
    }
}
