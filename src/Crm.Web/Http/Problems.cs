using System.Net.Sockets;
using System.Text.Json;
using Crm.Application;
using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Microsoft.AspNetCore.Http.Timeouts;
using Npgsql;

namespace Crm.Web.Http;

/// <summary>Turns whatever goes wrong into a problem document.</summary>
public static partial class Problems
{
    /// <summary>Answers every fault and every empty error of later middleware with a problem document.</summary>
    public static WebApplication UseProblems(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Crm.Web.Requests");
        app.Use(next => http => Guard(http, next, logger));
        return app;
    }

    /// <summary>Writes a problem document.</summary>
    public static async Task Write(HttpContext http, Problem problem)
    {
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = "application/problem+json; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        if (problem.RetryAfter is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await JsonSerializer.SerializeAsync(
                http.Response.BodyWriter,
                problem with { TraceId = problem.TraceId ?? RequestHeaders.Correlation(http) },
                EdgeJson.Wire.Problem,
                http.RequestAborted);
        }
    }

    private static async Task Guard(HttpContext http, RequestDelegate next, ILogger logger)
    {
        SecurityHeaders.Set(http);
        try
        {
            if (http.Request.Headers.ContentEncoding.Count > 0)
            {
                throw new ProblemException(OfStatus(415) with { Detail = "Send the body as it is: compressed bodies are not taken." });
            }

            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
            {
                // Whoever gave it up emptied it.
                SecurityHeaders.Set(http);
                await Write(http, OfStatus(http.Response.StatusCode));
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested && !TimedOut(http))
        {
            // The client has gone: there is nobody to answer.
        }
        catch (Exception fault)
        {
            var problem = OfFault(fault, http);
            if (problem.Status == 500)
            {
                LogFault(logger, http.Request.Method, http.Request.Path.Value, RequestHeaders.Correlation(http), fault);
            }
            else if (problem.Status is 503 or 504)
            {
                LogUnavailable(logger, http.Request.Method, http.Request.Path.Value, problem.Status, fault.Message);
            }

            if (http.Response.HasStarted)
            {
                // Cut off, so that nobody takes a part for the whole.
                http.Abort();
                return;
            }

            SecurityHeaders.Clear(http);
            await Write(http, problem);
        }
    }

    private static bool TimedOut(HttpContext http) => http.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested ?? false;

    private static Problem OfFault(Exception fault, HttpContext http) => fault switch
    {
        ProblemException known => known.Problem,
        BadHttpRequestException { StatusCode: 413 } => RequestHeaders.BodyTooLarge,
        BadHttpRequestException bad => OfStatus(bad.StatusCode),
        StreamConflictException => Problem.Unavailable("It is changed by many at this moment."),
        LogUnavailableException => Problem.Unavailable("The log cannot be reached: it is not known whether this was carried out. Repeat it with the same Idempotency-Key."),
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => Problem.Unavailable("The database did not answer in time.", retryAfter: 5),
        PostgresException { IsTransient: true } => Problem.Unavailable("The database cannot be reached."),
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow } =>
            Problem.Unavailable("The database cannot be reached."),
        NpgsqlException { InnerException: TimeoutException } full when full.Message.Contains("pool", StringComparison.Ordinal) =>
            Problem.Unavailable("All connections to the database are in use."),
        NpgsqlException and not PostgresException => Problem.Unavailable("The database cannot be reached."),
        SocketException => Problem.Unavailable("The database cannot be reached."),

        // Work is given up by the client, which is handled before, or by the time limit.
        OperationCanceledException => OfStatus(504),
        TimeoutException when TimedOut(http) => OfStatus(504),
        TimeoutException => Problem.Unavailable("The database did not answer in time."),
        SubjectErasedException => new Problem(409, "erased", "It has been erased.", "It takes no personal data any more."),
        SubjectKeyMissingException => new Problem(
            500, "key-missing", "It cannot be read.", "The key of its personal data is missing. The fault has been recorded under the trace id."),
        LogCorruptException => new Problem(
            500, "log-corrupt", "It cannot be read.", "What the log holds of it was changed. The fault has been recorded under the trace id."),
        AuditTreeBrokenException => new Problem(
            500, "audit-tree-broken", "The history cannot be signed or proved.", "Its tree, its heads and the log contradict each other. See crm verify."),
        MasterKeyUnknownException => new Problem(
            500, "master-key-missing", "It cannot be read.", "This host lacks the master key. The fault has been recorded under the trace id."),
        _ => new Problem(500, "fault", "Something went wrong in the service.", "The fault has been recorded under the trace id."),
    };

    /// <summary>The problem of a bare status, such as an address that no route has.</summary>
    private static Problem OfStatus(int status) => status switch
    {
        400 => Problem.Malformed("The request cannot be read."),
        401 => new Problem(401, "unauthenticated", "Who asks is not known.", "Send a valid access token."),
        403 => new Problem(403, "forbidden", "Not permitted.", "Your role does not permit this."),
        404 => Problem.NotFound(),
        405 => new Problem(405, "method-not-allowed", "This address has no such method.", "See the Allow header."),
        413 => RequestHeaders.BodyTooLarge,
        414 => new Problem(414, "uri-too-long", "The address is too long.", "Shorten it."),
        415 => new Problem(415, "unsupported-media-type", "The body's media type is not supported.", "Send application/json in UTF-8."),
        431 => new Problem(431, "headers-too-large", "The headers are too large.", "Send fewer or shorter headers."),
        503 => Problem.Unavailable("Try again in a moment."),
        504 => new Problem(504, "timeout", "The request took too long.", "Ask for less, or try again later."),
        _ => new Problem(status, "refused", "The request is refused.", "The request cannot be carried out."),
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed, trace {Trace}")]
    private static partial void LogFault(ILogger logger, string method, string? path, string trace, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path} answered {Status}: {Why}")]
    private static partial void LogUnavailable(ILogger logger, string method, string? path, int status, string why);
}
