using System.Globalization;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Web.Security;

namespace Crm.Web.Http;

/// <summary>Marks routes that wait for <c>After-Position</c>.</summary>
public sealed record FollowsLog;

/// <summary>
/// How a reader sees its own writes: what it reads is at least as far as <c>After-Position</c> asks, and the answer's
/// <c>Event-Position</c> says how far it goes.
/// </summary>
public sealed class ReadHeaders(ProjectionProgress progress, EventLog log, RecentPositions recent, TimeProvider clock)
{
    /// <summary>Up to which position of the log an answer goes at least.</summary>
    public const string EventPosition = "Event-Position";

    /// <summary>Up to which position a reader wants its answer to go at least.</summary>
    public const string AfterPosition = "After-Position";

    /// <summary>The query parameters of time travel.</summary>
    public static QueryParameter[] TimeTravel { get; } =
    [
        new("asOf", ParameterKind.Time, "As it stood at this time: what had happened at or before it."),
        new("asOfPosition", ParameterKind.Number, "As the log held it at this position."),
    ];

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    /// <summary>Waits until a read model has reached what the request asks for, and says in the answer how far it is.</summary>
    /// <exception cref="ProblemException">It has not come that far in time.</exception>
    public async Task Follow(HttpContext http, string projection, CancellationToken ct)
    {
        var wanted = await Wait(http, projection, ct);
        Says(http, Math.Max(wanted, await progress.Position(projection, ct)));
    }

    /// <summary>
    /// Waits until a read model has reached what the request asks for, and answers that position (0 for none). How far the answer goes
    /// is then for the caller to say, who learns it together with what is read.
    /// </summary>
    /// <exception cref="ProblemException">It has not come that far in time.</exception>
    public async Task<long> Wait(HttpContext http, string projection, CancellationToken ct)
    {
        var wanted = Math.Max(Wanted(http.Request), await MomentOf(http.Request, ct));
        return wanted == 0 || await progress.WaitFor(projection, wanted, patience, clock, ct) ? wanted : throw TooEarly(wanted);
    }

    /// <summary>
    /// Whose leads the caller may see. Rights in a list are as old as the read model that it comes from: for somebody who does not see
    /// all, one that is more than seconds behind answers nothing rather than a lead that went to a stranger.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <param name="projection">The read model that says whom leads belong to.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ProblemException">The read model is behind.</exception>
    public async Task<Visibility> Visible(HttpContext http, string projection, CancellationToken ct)
    {
        var scope = http.User.Scope();
        if (scope.SeesAll)
        {
            return Visibility.All;
        }

        // What the request has waited for it sees here too.
        var needed = Math.Max(recent.Needed(), Wanted(http.Request));
        return needed == 0 || await progress.WaitFor(projection, needed, patience, clock, ct)
            ? Visibility.Of(scope.Team)
            : throw new ProblemException(Problem.Behind);
    }

    /// <summary>The same for what is read from the log itself, which is always up to date.</summary>
    /// <returns>The position up to which the answer goes, as it is said in the answer.</returns>
    /// <exception cref="ProblemException">The log has not come that far in time.</exception>
    public async Task<long> FollowLog(HttpContext http, CancellationToken ct)
    {
        var wanted = Math.Max(Wanted(http.Request), await MomentOf(http.Request, ct));
        if (wanted > log.Position.Known && await log.LastPosition(ct) < wanted
            && !await log.Position.WaitBeyond(wanted - 1, patience, ct) && await log.LastPosition(ct) < wanted)
        {
            throw TooEarly(wanted);
        }

        var reached = Math.Max(wanted, log.Position.Known);
        Says(http, reached);
        return reached;
    }

    /// <summary>Says how far an answer goes.</summary>
    public static void Says(HttpContext http, long position) =>
        http.Response.Headers[EventPosition] = position.ToString(CultureInfo.InvariantCulture);

    /// <summary>The moment that a request asks for.</summary>
    public static AsOf Moment(IQueryCollection query) => (query.Time("asOf"), query.Number("asOfPosition", 0, long.MaxValue)) switch
    {
        (null, null) => AsOf.Now,
        ({ } time, null) => AsOf.At(time),
        (null, { } position) => AsOf.UpTo(position),
        _ => throw QueryParameters.Wrong("asOfPosition", "contradiction", "and asOf exclude each other."),
    };

    private static long Wanted(HttpRequest request)
    {
        var header = request.Headers[AfterPosition];
        return header.Count == 0 ? 0
            : header is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position
            : throw new ProblemException(Problem.Malformed("After-Position takes one position, such as 120345."));
    }

    // A read model that has not come as far as the position asked for would answer too little.
    private async Task<long> MomentOf(HttpRequest request, CancellationToken ct)
    {
        var position = request.Query.Number("asOfPosition", 0, long.MaxValue) ?? 0;
        return position <= log.Position.Known || position <= await log.LastPosition(ct)
            ? position
            : throw QueryParameters.Wrong("asOfPosition", "out-of-range", "lies beyond the end of the log.");
    }

    private static ProblemException TooEarly(long wanted) => new(Problem.Unavailable($"Position {wanted} has not been reached yet."));
}
