using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Projections;

namespace Crm.Web.Http;

/// <summary>What a command answers.</summary>
/// <param name="Id">The stream.</param>
/// <param name="Version">The stream's version now.</param>
/// <param name="Position">The log's position, for <c>After-Position</c>.</param>
/// <param name="Events">The stored names of the events, in order; empty when nothing changed.</param>
public sealed record CommandAnswerBody(Guid Id, long Version, long Position, IReadOnlyList<string> Events);

/// <summary>A command's result on its way to the client.</summary>
/// <param name="Result">The result.</param>
/// <param name="Location">The address of streams that the command creates, such as <c>/api/v1/leads/</c>; null where it creates none.</param>
public sealed record CommandAnswer(CommandResult Result, string? Location = null) : IResult
{
    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        Answers.SayReplayed(httpContext, Result.Replayed);

        return Result is CommandResult.Done done
            ? Write(done, httpContext)
            : Problems.Write(httpContext, ProblemOf(Result));
    }

    private Task Write(CommandResult.Done done, HttpContext http)
    {
        http.Response.StatusCode = done.Created ? 201 : 200;
        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{done.Version}\"");
        http.Response.Headers[ReadHeaders.EventPosition] = done.Position.ToString(CultureInfo.InvariantCulture);
        if (done.Created && Location is not null)
        {
            http.Response.Headers.Location = Location + done.Id;
        }

        return Answers.WriteJson(http, new CommandAnswerBody(done.Id, done.Version, done.Position, done.EventTypes), EdgeJson.Wire.CommandAnswerBody);
    }

    private static Problem ProblemOf(CommandResult result) => result switch
    {
        CommandResult.Refused refused => Problem.Of(refused.Refusal),
        CommandResult.PreconditionFailed failed => new Problem(
            412, "version-mismatch", "It has changed since.", $"It is at version {failed.History.Count}, not {failed.Expected}.")
        {
            Version = failed.History.Count,
            Changed = ChangedSince(failed),
        },
        CommandResult.PremiseChanged => Problem.Unavailable("It is changed by many at this moment."),
        CommandResult.KeyReused => Problem.KeyReused,
        CommandResult.InFlight => Problem.InFlight,
        _ => throw new UnreachableException(result.GetType().Name),
    };

    private static IReadOnlyList<FieldChange> ChangedSince(CommandResult.PreconditionFailed failed)
    {
        var then = failed.History.Take((int)Math.Clamp(failed.Expected, 0, failed.History.Count));
        return failed.History switch
        {
            [{ Data: LeadEvent }, ..] => Changes.Between(Fold(Lead.Aggregate, then), Fold(Lead.Aggregate, failed.History)),
            [{ Data: UserEvent }, ..] => Changes.Between(Fold(User.Aggregate, then), Fold(User.Aggregate, failed.History)),

            // Of other streams only the version is told; their clients read them anew.
            _ => [],
        };
    }

    private static TState Fold<TState, TEvent>(Aggregate<TState, TEvent> aggregate, IEnumerable<StreamEvent> history)
        where TEvent : class => aggregate.Fold(history.Select(recorded => (TEvent)recorded.Data));
}

/// <summary>Ways to answer.</summary>
public static class Answers
{
    /// <summary>A command's answer.</summary>
    public static IResult ToHttp(this CommandResult result, string? location = null) => new CommandAnswer(result, location);

    /// <summary>A problem.</summary>
    public static IResult ToHttp(this Problem problem) => new ProblemAnswer(problem);

    /// <summary>A body of source-generated JSON.</summary>
    public static IResult Json<T>(T body, JsonTypeInfo<T> json) => new JsonAnswer<T>(body, json);

    /// <summary>Says that an answer is the saved one of an earlier request, where it is.</summary>
    public static void SayReplayed(HttpContext http, bool replayed)
    {
        if (replayed)
        {
            http.Response.Headers["Idempotent-Replayed"] = "true";
        }
    }

    internal static async Task WriteJson<T>(HttpContext http, T body, JsonTypeInfo<T> json)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        await JsonSerializer.SerializeAsync(http.Response.BodyWriter, body, json, http.RequestAborted);
    }

    private sealed record JsonAnswer<T>(T Body, JsonTypeInfo<T> JsonType) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => WriteJson(httpContext, Body, JsonType);
    }

    private sealed record ProblemAnswer(Problem Problem) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => Problems.Write(httpContext, Problem);
    }
}
