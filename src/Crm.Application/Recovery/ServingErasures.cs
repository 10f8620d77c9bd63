using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>Asks the database that serves who has been erased, where its log is the archive's: nobody has to remember to say so.</summary>
public static class ServingErasures
{
    private const string Erased =
        """
        select stream_id from crm.subject_keys where destroyed_at is not null
        union select stream_id from crm.mt_events where type = 'lead-erased'
        """;

    /// <summary>Asks.</summary>
    /// <param name="serving">The database of the settings.</param>
    /// <param name="name">By which people know it.</param>
    /// <param name="archive">The id of the archive's first event, by which a log is known; null of an empty one.</param>
    /// <param name="archived">The archive's last position.</param>
    /// <param name="ct">Stops it.</param>
    /// <returns>What it knows; nothing where it holds another log, none, or one that is being restored. A failure is a warning.</returns>
    public static async Task<KnownErasures> Ask(
        NpgsqlDataSource serving, string name, Guid? archive, long archived, CancellationToken ct)
    {
        try
        {
            await using var connection = await serving.OpenConnectionAsync(ct);
            if (archive is null || !await Serves(connection, ct) || await FirstEvent(connection, ct) != archive)
            {
                return KnownErasures.NotAsked;
            }

            await LongWork.Prepare(connection, long.MaxValue, ct);
            var streams = await Streams(connection, ct);
            await using var counter = new NpgsqlCommand("select position from crm.log_counter", connection);
            var position = await counter.ExecuteScalarAsync(ct) as long? ?? 0;
            var known = KnownErasures.Of(FormattableString.Invariant($"the serving database {name}, up to position {position}"), streams);
            return position >= archived
                ? known
                : known with
                {
                    Warnings =
                    [
                        FormattableString.Invariant(
                            $"the serving database {name} ends at position {position}, before the archive ({archived}): ")
                        + "it may not know everybody who has been erased since",
                    ],
                };
        }
        catch (NpgsqlException fault)
        {
            // It is there to be replaced, and may be damaged. What it cannot say is said to be unknown.
            return KnownErasures.NotAsked with { Warnings = [$"the serving database {name} could not be asked who was erased: {fault.Message}"] };
        }
    }

    /// <summary>Whether it holds a log, and not one that a restoration is still filling.</summary>
    private static async Task<bool> Serves(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var look = new NpgsqlCommand(
            "select to_regclass('crm.subject_keys') is not null, to_regclass('crm_recovery.marker') is not null", connection);
        bool marked;
        await using (var reader = await look.ExecuteReaderAsync(ct))
        {
            if (!await reader.ReadAsync(ct) || !reader.GetBoolean(0))
            {
                return false;
            }

            marked = reader.GetBoolean(1);
        }

        if (!marked)
        {
            return true;
        }

        await using var finished = new NpgsqlCommand("select coalesce(bool_and(finished_at is not null), false) from crm_recovery.marker", connection);
        return await finished.ExecuteScalarAsync(ct) is true;
    }

    private static async Task<Guid?> FirstEvent(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var first = new NpgsqlCommand("select id from crm.mt_events where seq_id = 1", connection);
        return await first.ExecuteScalarAsync(ct) as Guid?;
    }

    private static async Task<IReadOnlyCollection<Guid>> Streams(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand(Erased, connection) { CommandTimeout = 0 };
        var streams = new List<Guid>();
        await using var reader = await find.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            streams.Add(reader.GetGuid(0));
        }

        return streams;
    }
}
