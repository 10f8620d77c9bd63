using Crm.Application.Permissions;
using Crm.Domain;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>Under which circumstances a command is run: who, when, and on which conditions.</summary>
/// <param name="Envelope">Who does it, why and as part of what.</param>
/// <param name="Now">When it happens: read once per request, to the microsecond.</param>
/// <param name="Scope">Whose rights bound it: never left to a default.</param>
public sealed record CommandContext(Envelope Envelope, DateTimeOffset Now, Scope Scope)
{
    /// <summary>The version that the stream must have; null when the caller does not mind and conflicts are retried.</summary>
    public long? IfMatch { get; init; }

    /// <summary>
    /// Whether the command is decided although the key of the stream's personal data is lost: for an erasure, which needs none.
    /// </summary>
    public bool GoesWithoutKey { get; init; }

    /// <summary>Streams that the command was made from, beside its own: where one has moved on, nothing is appended.</summary>
    public IReadOnlyList<StreamAppend> ReliesOn { get; init; } = [];

    /// <summary>How a repetition of the request is known; null when the caller gave it no key.</summary>
    public IdempotencyKey? Idempotency { get; init; }
}

/// <summary>How a repetition of a request is known.</summary>
/// <param name="Caller">Who asks; keys of different callers never meet.</param>
/// <param name="Key">The caller's key.</param>
/// <param name="RequestHash">SHA-256 of what is asked.</param>
public sealed record IdempotencyKey(string Caller, string Key, byte[] RequestHash);

/// <summary>What became of a command.</summary>
public abstract record CommandResult
{
    private CommandResult()
    {
    }

    /// <summary>Whether this is the saved answer to an earlier request with the same idempotency key.</summary>
    public bool Replayed { get; init; }

    /// <summary>It was carried out, or had nothing to change.</summary>
    /// <param name="Id">The stream.</param>
    /// <param name="Version">The stream's version now.</param>
    /// <param name="Position">The log's position to wait for before reading the effect.</param>
    /// <param name="EventTypes">The stored names of the events, in order; empty when nothing changed.</param>
    /// <param name="Created">Whether it began the stream.</param>
    public sealed record Done(Guid Id, long Version, long Position, IReadOnlyList<string> EventTypes, bool Created) : CommandResult;

    /// <summary>The rules forbid it; nothing was changed.</summary>
    public sealed record Refused(Refusal Refusal) : CommandResult;

    /// <summary>The stream is not at the version that the caller asked for; nothing was changed.</summary>
    /// <param name="Id">The stream.</param>
    /// <param name="Expected">The version that the caller asked for.</param>
    /// <param name="History">The stream's events as they are now.</param>
    public sealed record PreconditionFailed(Guid Id, long Expected, IReadOnlyList<StreamEvent> History) : CommandResult;

    /// <summary>A stream that the command relies on has moved on; nothing was changed. The command may be made anew.</summary>
    public sealed record PremiseChanged(Guid Stream) : CommandResult;

    /// <summary>The idempotency key was used for another request before.</summary>
    public sealed record KeyReused : CommandResult;

    /// <summary>The same request is being carried out at this moment.</summary>
    public sealed record InFlight : CommandResult;
}

/// <summary>A stream changed again and again while a command was being decided; the command may be repeated.</summary>
public sealed class StreamConflictException(Guid stream, int attempts)
    : Exception($"Stream {stream} changed during each of {attempts} attempts.")
{
    /// <summary>The stream.</summary>
    public Guid Stream { get; } = stream;
}
