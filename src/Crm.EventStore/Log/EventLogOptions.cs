namespace Crm.EventStore.Log;

/// <summary>The limits of the log's writer.</summary>
public sealed record EventLogOptions
{
    /// <summary>At most so many commands share one transaction.</summary>
    public int MaxCommands { get; init; } = 1_000;

    /// <summary>A transaction takes no further command once it holds so many events.</summary>
    public int MaxEvents { get; init; } = 5_000;

    /// <summary>A transaction takes no further command once it holds so many bytes of JSON.</summary>
    public int MaxBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long the writer waits for a lock that somebody else holds.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one transaction may take on the server.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a command waits for its turn, for a lock or for the database to come back, before it is given up.</summary>
    public TimeSpan CommandDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause between two attempts to reach the database while commands wait.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The pause when all that waits, waits for streams that other transactions hold.</summary>
    public TimeSpan BusyDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Other hosts are told of new positions at most this often.</summary>
    public TimeSpan AnnounceInterval { get; init; } = TimeSpan.FromMilliseconds(10);
}
