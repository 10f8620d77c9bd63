using System.Collections.Concurrent;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>How far each projection has come, for readers who must see their own write.</summary>
public sealed class ProjectionProgress(NpgsqlDataSource database)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(25);

    private readonly ConcurrentDictionary<string, LogPosition> here = new(StringComparer.Ordinal);

    /// <summary>The position up to which a projection's tables hold everything, as the database says.</summary>
    public async Task<long> Position(string projection, CancellationToken ct)
    {
        await using var find = database.CreateCommand("select position from crm.projections where name = $1");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection });
        return await find.ExecuteScalarAsync(ct) is long position ? position : 0;
    }

    /// <summary>
    /// Waits until a projection has reached a position. Woken in process when this host runs it; another host's is looked at each 25 ms.
    /// </summary>
    /// <returns>False when it has not come that far in time.</returns>
    public async Task<bool> WaitFor(string projection, long position, TimeSpan atMost, TimeProvider clock, CancellationToken ct)
    {
        var known = here.GetOrAdd(projection, _ => new LogPosition());
        var began = clock.GetTimestamp();
        while (known.Known < position)
        {
            if (await Look(projection, ct) >= position)
            {
                return true;
            }

            var left = atMost - clock.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            await known.WaitBeyond(position - 1, left < LookAgain ? left : LookAgain, ct);
        }

        return true;
    }

    private async Task<long> Look(string projection, CancellationToken ct)
    {
        try
        {
            return await Position(projection, ct);
        }
        catch (NpgsqlException)
        {
            // Not to be known at this moment, which is no reason to stop waiting.
            return 0;
        }
    }

    /// <summary>Says that a batch up to this position has been committed.</summary>
    internal void Reached(string projection, long position) => here.GetOrAdd(projection, _ => new LogPosition()).Advance(position);
}
