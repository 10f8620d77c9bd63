using System.Globalization;
using System.Text;
using System.Text.Json;
using Crm.Application.Permissions;
using Crm.EventStore.Log;
using Crm.Web.Hosting;
using Crm.Web.Http;
using Crm.Web.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Crm.Web.Feed;

/// <summary><c>GET /events/stream</c>: the change feed as server-sent events, resumed from <c>Last-Event-ID</c>.</summary>
public static class EventStreamEndpoint
{
    private const int BatchSize = 500;
    private static readonly TimeSpan heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan admitAgain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan behind = TimeSpan.FromMilliseconds(20);

    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("after", ParameterKind.Number, "Begin after this position; without it and without Last-Event-ID, at the log's end."),
    ];

    /// <summary>Streams until the client goes, the host stops, or the stream has lasted its time.</summary>
    public static async Task Handle(
        HttpContext http, EventLog log, LogTail tail, FeedSight sight, RememberedTokens tokens, TimeProvider clock, EdgeOptions edge,
        IHostApplicationLifetime host, CancellationToken ct)
    {
        await sight.Record(http, ct);
        var after = Begin(http.Request) ?? await log.LastPosition(ct);
        http.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, host.ApplicationStopping);
        ends.CancelAfter(edge.StreamLasts);
        try
        {
            await Stream(http, after, log, tail, sight, tokens, clock, ends.Token);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The client has gone, the host stops, or the stream has lasted its time: the client resumes from the last id that it saw.
        }
        catch (Exception lost) when (lost is LogUnavailableException or Npgsql.NpgsqlException or TimeoutException)
        {
            // The stream ends; the client comes back by itself and resumes.
        }
    }

    private static async Task Stream(
        HttpContext http, long after, EventLog log, LogTail tail, FeedSight sight, RememberedTokens tokens, TimeProvider clock,
        CancellationToken ct)
    {
        var scope = http.User.Scope();
        var response = http.Response;
        var admitted = clock.GetTimestamp();
        await response.WriteAsync("retry: 1000\n: from " + after.ToString(CultureInfo.InvariantCulture) + "\n\n", ct);
        await response.BodyWriter.FlushAsync(ct);
        var spoke = clock.GetTimestamp();
        while (true)
        {
            if (clock.GetElapsedTime(admitted) >= admitAgain)
            {
                if (await ScopeOf(http, tokens, ct) is not { } rights)
                {
                    return;
                }

                scope = rights;
                admitted = clock.GetTimestamp();
            }

            var seen = await sight.Of(scope, after, await tail.ReadSettledAfter(after, BatchSize, ct), ct);
            var moved = seen.ReadTo > after;
            after = seen.ReadTo;
            foreach (var recorded in seen.Events)
            {
                Write(response, recorded, log.Catalog);
            }

            if (seen.Events.Count > 0)
            {
                await response.BodyWriter.FlushAsync(ct);
                spoke = clock.GetTimestamp();
            }
            else if (!moved && !await MayBeMore(log, after, ct) && clock.GetElapsedTime(spoke) >= heartbeat)
            {
                await response.WriteAsync(": still here\n\n", ct);
                await response.BodyWriter.FlushAsync(ct);
                spoke = clock.GetTimestamp();
            }
        }
    }

    /// <summary>Waits for more; where there is more already that the lead board has not reached, for that.</summary>
    private static async Task<bool> MayBeMore(EventLog log, long after, CancellationToken ct)
    {
        if (log.Position.Known <= after)
        {
            return await log.Position.WaitBeyond(after, look, ct);
        }

        await Task.Delay(behind, ct);
        return true;
    }

    // A stream must not outlive the token that opened it: not a deactivation, not the end of a session, not another role or team.
    private static async Task<Scope?> ScopeOf(HttpContext http, RememberedTokens tokens, CancellationToken ct)
    {
        var token = http.Request.Headers.Authorization.ToString().AsMemory("Bearer ".Length);
        var onBehalfOf = http.Request.Headers.TryGetValue(BearerHandler.OnBehalfOfHeader, out var named) ? named.ToString() : null;
        return (await tokens.Admit(token.Span, onBehalfOf, ct)).Caller is { } caller && Policies.Admits(Policies.Feed, caller)
            ? caller.Scope()
            : null;
    }

    private static void Write(HttpResponse response, RecordedEvent recorded, EventCatalog catalog)
    {
        var cloudEvent = CloudEvent.Of(recorded, catalog);
        Encoding.UTF8.GetBytes($"id: {cloudEvent.Sequence}\nevent: {cloudEvent.Type}\ndata: ", response.BodyWriter);
        using (var json = new Utf8JsonWriter(response.BodyWriter))
        {
            JsonSerializer.Serialize(json, cloudEvent, FeedJson.Wire.CloudEvent);
        }

        Encoding.UTF8.GetBytes("\n\n", response.BodyWriter);
    }

    private static long? Begin(HttpRequest request)
    {
        var last = request.Headers["Last-Event-ID"];
        return last.Count == 0 ? request.Query.Number("after", 0, long.MaxValue)
            : last is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position
            : throw new ProblemException(Problem.Malformed("Last-Event-ID is a position, as the stream gave it."));
    }
}
