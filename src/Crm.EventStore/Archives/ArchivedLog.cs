using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>A log as an archive of it begins or goes on.</summary>
/// <param name="Position">The last position it has now.</param>
/// <param name="FirstEvent">The id of its first event; null of an empty log.</param>
/// <param name="LastEvent">The id of its last event.</param>
/// <param name="ArchivedEvent">The id of the event at the archive's last position; null where there is none.</param>
/// <param name="Schema">The last migration of its database.</param>
internal sealed record ArchivedLog(long Position, Guid? FirstEvent, Guid? LastEvent, Guid? ArchivedEvent, string Schema)
{
    /// <summary>Looks at a log.</summary>
    /// <param name="database">The database.</param>
    /// <param name="archived">The last position of its archive; 0 where there is none.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<ArchivedLog> Look(NpgsqlDataSource database, long archived, CancellationToken ct)
    {
        await using var look = database.CreateCommand(
            """
            select c.position,
                (select e.id from crm.mt_events e where e.seq_id = 1),
                (select e.id from crm.mt_events e where e.seq_id = c.position),
                (select e.id from crm.mt_events e where e.seq_id = $1),
                (select max(m.name) from crm.schema_migrations m)
            from crm.log_counter c
            """);
        look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = archived });
        await using var reader = await look.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        Guid? Id(int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);
        return new ArchivedLog(reader.GetInt64(0), Id(1), Id(2), Id(3), reader.GetString(4));
    }

    /// <summary>Refuses to add to an archive what does not continue it.</summary>
    /// <exception cref="ArchiveRefusedException">It is the archive of another log, or of one that went another way.</exception>
    public void MustContinue(ArchiveManifest? archive)
    {
        if (archive?.Log is null)
        {
            return;
        }

        if (archive.Log != FirstEvent)
        {
            throw new ArchiveRefusedException("The folder holds the archive of another log.");
        }

        if (archive.LastPosition > Position)
        {
            throw new ArchiveRefusedException(FormattableString.Invariant(
                $"The archive holds positions up to {archive.LastPosition}, this log only up to {Position}: it was restored since. ")
                + "Archive it into a new folder.");
        }

        if (archive.LastEvent != ArchivedEvent)
        {
            throw new ArchiveRefusedException(FormattableString.Invariant(
                $"At position {archive.LastPosition} this log has another event than the archive: it was restored since. ")
                + "Archive it into a new folder.");
        }
    }
}
