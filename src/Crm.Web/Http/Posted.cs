using System.IO.Pipelines;
using System.Reflection;
using Crm.Application;
using Microsoft.AspNetCore.Http.Metadata;

namespace Crm.Web.Http;

/// <summary>A command as it came over HTTP: its body, read and checked, and the circumstances from its headers.</summary>
/// <param name="Body">The body.</param>
/// <param name="Context">Who, when, on which conditions.</param>
public sealed record Posted<T>(T Body, CommandContext Context) : IBindableFromHttpContext<Posted<T>>, IEndpointParameterMetadataProvider
    where T : class, IRequestBody<T>
{
    /// <summary>The circumstances, with the reason that the body gives.</summary>
    public CommandContext Because(string? reason) => Context with { Envelope = Context.Envelope with { Reason = reason } };

    /// <summary>Who asks.</summary>
    public Guid ActorId => Guid.Parse(Context.Envelope.Actor ?? throw new InvalidOperationException("The request has no actor."));

    /// <inheritdoc/>
    public static async ValueTask<Posted<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var (body, key) = await ReadBody(context);
        return new Posted<T>(body, new CommandContext(RequestHeaders.Envelope(context), RequestHeaders.Now(context), RequestHeaders.ScopeOf(context))
        {
            IfMatch = RequestHeaders.IfMatch(context.Request),
            Idempotency = key,
        });
    }

    /// <inheritdoc/>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder)
    {
        builder.Metadata.Add(new AcceptsMetadata(
            T.OtherMediaType is { } other ? ["application/json", other] : ["application/json"], typeof(T), isOptional: T.WhenEmpty is not null));
        builder.Metadata.Add(new CommandRoute());
    }

    private static async Task<(T Body, IdempotencyKey? Key)> ReadBody(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        if (context.Request.ContentLength > RequestHeaders.MaxBody)
        {
            throw new ProblemException(RequestHeaders.BodyTooLarge);
        }

        // Cancelled by its token, Kestrel's reader would stay in the middle of that read, and could not be drained afterwards.
        using var givenUp = context.RequestAborted.UnsafeRegister(
            static reader => ((PipeReader)reader!).CancelPendingRead(), reader); // the reader that is given here
        while (true)
        {
            var read = await reader.ReadAsync(CancellationToken.None);
            if (read.IsCanceled)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                context.RequestAborted.ThrowIfCancellationRequested();
                continue;
            }

            if (read.Buffer.Length > RequestHeaders.MaxBody)
            {
                throw new ProblemException(RequestHeaders.BodyTooLarge);
            }

            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            try
            {
                RequestHeaders.CheckMediaType(context.Request, T.OtherMediaType, read.Buffer.IsEmpty);
                return (RequestJson.Read<T>(read.Buffer), RequestHeaders.Idempotency(context, read.Buffer));
            }
            finally
            {
                reader.AdvanceTo(read.Buffer.End);
            }
        }
    }
}

/// <summary>The body of a command that has nothing to say beyond its address: empty, or an empty object.</summary>
public sealed record NoBody : IRequestBody<NoBody>
{
    /// <inheritdoc/>
    public static System.Text.Json.Serialization.Metadata.JsonTypeInfo<NoBody> Json => EdgeJson.Wire.NoBody;

    /// <inheritdoc/>
    public static FluentValidation.IValidator<NoBody>? Validator => null;

    /// <inheritdoc/>
    public static NoBody? WhenEmpty { get; } = new();
}

/// <summary>An operator's request as it came over HTTP: it has no body and changes no stream.</summary>
/// <param name="Context">Who, when, and how a repetition is known.</param>
public sealed record PostedOperation(CommandContext Context) : IBindableFromHttpContext<PostedOperation>, IEndpointParameterMetadataProvider
{
    /// <summary>Who asks.</summary>
    public string? Actor => Context.Envelope.Actor;

    /// <inheritdoc/>
    public static async ValueTask<PostedOperation?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        await Posted<NoBody>.BindAsync(context, parameter) is { } posted ? new PostedOperation(posted.Context) : null;

    /// <inheritdoc/>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder)
    {
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(NoBody), isOptional: true));
        builder.Metadata.Add(new CommandRoute(ChangesStream: false));
    }
}

/// <summary>Marks a route as one that takes <c>Idempotency-Key</c>.</summary>
/// <param name="ChangesStream">Whether it takes <c>If-Match</c> too.</param>
public sealed record CommandRoute(bool ChangesStream = true);
