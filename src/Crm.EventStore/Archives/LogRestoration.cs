using System.Text.Json;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>
/// Puts the log of an archive into the empty tables of a new database: several segments at a time, without indexes, which are made once
/// at the end. Each segment is one transaction, with its mark in <c>crm_recovery.segments</c>, so that an interrupted run goes on.
/// </summary>
/// <param name="owner">The database, in the role that owns the log's tables.</param>
/// <param name="folder">The archive.</param>
/// <param name="manifest">Its manifest.</param>
/// <param name="key">Its key; null: it is not encrypted.</param>
/// <param name="upTo">The last position that is restored.</param>
public sealed class LogRestoration(NpgsqlDataSource owner, ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long upTo)
{
    private const string WithoutIndexes =
        """
        create table if not exists crm_recovery.segments (first bigint primary key);
        alter table crm.mt_events drop constraint if exists fkey_mt_events_stream_id;
        alter table crm.mt_events drop constraint if exists pkey_mt_events_seq_id;
        drop index if exists crm.pk_mt_events_stream_and_version;
        """;

    // Both at the same time, each on a connection of its own.
    private static readonly string[] Indexes =
    [
        "create unique index if not exists pkey_mt_events_seq_id on crm.mt_events (seq_id)",
        "create unique index if not exists pk_mt_events_stream_and_version on crm.mt_events (stream_id, version)",
    ];

    private static readonly int atOnce = Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <summary>Loads the segments that are not there yet.</summary>
    /// <param name="progress">Told how much is there, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it; the same call goes on.</param>
    /// <returns>The events that an earlier run had loaded.</returns>
    /// <exception cref="ArchiveDamagedException">A segment is damaged; those before it may be there.</exception>
    public async Task<long> Load(IProgress<double>? progress, CancellationToken ct)
    {
        var segments = manifest.Segments.Where(segment => segment.First <= upTo).ToList();
        var there = await Prepare(ct);
        var loaded = segments.Where(segment => there.Contains(segment.First)).Sum(EventsOf);
        var before = loaded;
        await Parallel.ForEachAsync(
            segments.Where(segment => !there.Contains(segment.First)),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct },
            async (segment, stop) =>
            {
                await Load(segment, stop);
                progress?.Report((double)Interlocked.Add(ref loaded, EventsOf(segment)) / upTo);
            });
        return before;
    }

    /// <summary>Makes the indexes that loading went without. That each event has its stream is for the caller to check.</summary>
    public async Task MakeIndexes(CancellationToken ct)
    {
        await Task.WhenAll(Indexes.Select(async index =>
        {
            await using var connection = await Session(ct);
            await Run(connection, "set maintenance_work_mem = '256MB'", ct);
            await Run(connection, index, ct);
        }));
        await using var connection = await Session(ct);
        await Run(
            connection,
            """
            do $$ begin
                if not exists (select from pg_constraint where conname = 'pkey_mt_events_seq_id') then
                    alter table crm.mt_events add constraint pkey_mt_events_seq_id primary key using index pkey_mt_events_seq_id;
                end if;
            end $$
            """,
            ct);
    }

    /// <summary>The ids of the master keys without which what is sealed in the archive stays closed.</summary>
    public IReadOnlyList<string> MasterKeys() => ArchiveSecretRows.MasterKeys(folder, manifest.Secrets, key);

    /// <summary>Puts the rows beside the log into their tables, which are empty, in the caller's transaction.</summary>
    /// <param name="into">The connection.</param>
    /// <param name="except">A table that is left out; null: none.</param>
    /// <param name="ct">Stops it.</param>
    public Task RestoreSecrets(NpgsqlConnection into, string? except, CancellationToken ct) =>
        ArchiveSecretRows.Restore(into, folder, manifest.Secrets, key, except, ct);

    private long EventsOf(ArchiveSegment segment) => Math.Min(upTo, segment.Last) - segment.First + 1;

    private async Task<HashSet<long>> Prepare(CancellationToken ct)
    {
        await using var connection = await Session(ct);
        await using (var look = new NpgsqlCommand("select to_regclass('crm_recovery.segments') is not null", connection))
        {
            if (await look.ExecuteScalarAsync(ct) is not true)
            {
                await using var transaction = await connection.BeginTransactionAsync(ct);
                await Run(connection, WithoutIndexes, ct);
                await transaction.CommitAsync(ct);
            }
        }

        var there = new HashSet<long>();
        await using var list = new NpgsqlCommand("select first from crm_recovery.segments", connection);
        await using var reader = await list.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            there.Add(reader.GetInt64(0));
        }

        return there;
    }

    private async Task Load(ArchiveSegment segment, CancellationToken ct)
    {
        await using var connection = await Session(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var copy = await connection.BeginRawBinaryCopyAsync(EventLineReader.Copy, ct))
        {
            try
            {
                var rows = new BinaryRows();
                foreach (var _ in Rows(segment, rows, ct))
                {
                    await rows.Send(copy, ct);
                }

                rows.End();
                await rows.Send(copy, ct);
            }
            catch (ArchiveDamagedException)
            {
                // Else the database would be told that this was all, and complain of that instead.
                await copy.CancelAsync();
                throw;
            }
        }

        await using var mark = new NpgsqlCommand("insert into crm_recovery.segments (first) values ($1)", connection);
        mark.Parameters.Add(new NpgsqlParameter<long> { TypedValue = segment.First });
        await mark.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Gathers a segment's rows, and stops whenever there are so many that they should be sent.</summary>
    private IEnumerable<bool> Rows(ArchiveSegment segment, BinaryRows rows, CancellationToken ct)
    {
        using var file = new ArchiveFileReader(folder.Root, segment.File, key);
        var lines = new Lines(file);
        for (var next = segment.First; Next(segment, lines); next++)
        {
            ct.ThrowIfCancellationRequested();
            if (next <= upTo)
            {
                Add(segment, lines, next, rows);
            }

            if (rows.IsFull)
            {
                yield return true;
            }
        }

        file.Check();
    }

    private static void Add(ArchiveSegment segment, Lines lines, long expected, BinaryRows rows)
    {
        try
        {
            if (EventLineReader.Write(lines.Line, rows) != expected)
            {
                throw new InvalidDataException(FormattableString.Invariant($"position {expected} is missing in it"));
            }
        }
        catch (Exception broken) when (broken is JsonException or FormatException or InvalidOperationException or InvalidDataException)
        {
            throw new ArchiveDamagedException([ArchiveCheck.Of(segment, broken)]);
        }
    }

    private static bool Next(ArchiveSegment segment, Lines lines)
    {
        try
        {
            return lines.Next();
        }
        catch (Exception broken) when (broken is ArchiveDamagedException or InvalidDataException)
        {
            throw new ArchiveDamagedException([ArchiveCheck.Of(segment, broken)]);
        }
    }

    private async Task<NpgsqlConnection> Session(CancellationToken ct)
    {
        var connection = await owner.OpenConnectionAsync(ct);
        // What a lost machine takes with it is loaded again: its mark is lost with it.
        await Run(connection, "set statement_timeout = 0; set synchronous_commit = off", ct);
        return connection;
    }

    private static async Task Run(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }
}
