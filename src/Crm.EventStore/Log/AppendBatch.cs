using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>The commands that share one transaction.</summary>
internal sealed class AppendBatch : IDisposable
{
    private readonly AppendAtOnce atOnce = new();
    private readonly AppendWithOutcomes withOutcomes = new();
    private bool isPlain = true;
    private int events;
    private int bytes;

    /// <summary>The commands of this batch in the order in which they are appended.</summary>
    public List<PendingAppend> Commands { get; } = [];

    /// <summary>Whether it should take no further command.</summary>
    public bool IsFull(EventLogOptions limits) =>
        Commands.Count >= limits.MaxCommands || events >= limits.MaxEvents || bytes >= limits.MaxBytes || Commands is [{ Alone: true }];

    /// <summary>Adds a command, which touches nothing that another of this batch touches.</summary>
    public void Add(PendingAppend pending)
    {
        Commands.Add(pending);
        isPlain = isPlain && AppendAtOnce.Takes(pending.Command);
        events += pending.Events.Length;
        bytes += pending.Bytes;
    }

    /// <summary>Makes the batch ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout)
    {
        atOnce.Prepare(connection, timeout);
        withOutcomes.Prepare(connection, timeout);
    }

    /// <summary>Appends it in one transaction: in one round trip, or in two when something stands in the way of a command.</summary>
    public BatchResult Run() => (isPlain ? TryAtOnce() : null) ?? withOutcomes.Run(Commands);

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        Commands.Clear();
        isPlain = true;
        events = 0;
        bytes = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        atOnce.Dispose();
        withOutcomes.Dispose();
    }

    private BatchResult? TryAtOnce()
    {
        try
        {
            return atOnce.Run(Commands);
        }
        catch (PostgresException raced) when (raced.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another host came in between the look and the leap; nothing was done.
            return null;
        }
    }
}
