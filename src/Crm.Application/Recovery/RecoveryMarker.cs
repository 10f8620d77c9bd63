using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>The recovery is refused; nothing was changed.</summary>
public sealed class RecoveryRefusedException(string message) : Exception(message);

/// <summary>
/// Stands in the database that a recovery fills, from its first moment on: which log, up to where, and how far it has come. By it a
/// recovery that was interrupted is told from a database that somebody uses.
/// </summary>
/// <param name="FirstEvent">The id of the log's first event, by which a log is known.</param>
/// <param name="Position">The position up to which the log is recovered.</param>
/// <param name="Copied">The position up to which events have been copied.</param>
/// <param name="Finished">Whether the recovery has been verified.</param>
internal sealed record RecoveryMarker(Guid FirstEvent, long Position, long Copied, bool Finished)
{
    private const string Find = "select first_event, position, copied, finished_at is not null from crm_recovery.marker";

    /// <summary>Claims a database for a recovery, or takes up the unfinished one that it holds.</summary>
    /// <exception cref="RecoveryRefusedException">The database holds something else.</exception>
    public static async Task<RecoveryMarker> Claim(NpgsqlConnection target, Guid firstEvent, long position, CancellationToken ct)
    {
        if (await Read(target, ct) is { } found)
        {
            return found switch
            {
                { Finished: true } => throw new RecoveryRefusedException("The database is not empty: it holds a finished recovery."),
                { } same when same.FirstEvent == firstEvent && same.Position == position => same,
                _ => throw new RecoveryRefusedException(
                    "The database is not empty: it holds an unfinished recovery of another log, or to another position "
                    + $"({found.Position})."),
            };
        }

        if (await HoldsAnything(target, ct))
        {
            throw new RecoveryRefusedException("The database is not empty.");
        }

        await using var transaction = await target.BeginTransactionAsync(ct);
        await LongWork.Run(
            target,
            """
            create schema crm_recovery;
            create table crm_recovery.marker (
                id boolean primary key default true check (id),
                first_event uuid not null,
                position bigint not null,
                copied bigint not null,
                started_at timestamptz not null default clock_timestamp(),
                finished_at timestamptz,
                sha256 text
            );
            """,
            ct);
        await LongWork.Run(
            target,
            "insert into crm_recovery.marker (first_event, position, copied) values ($1, $2, 0)",
            ct,
            new NpgsqlParameter<Guid> { TypedValue = firstEvent },
            new NpgsqlParameter<long> { TypedValue = position });
        await transaction.CommitAsync(ct);
        return new RecoveryMarker(firstEvent, position, 0, Finished: false);
    }

    /// <summary>Says, in the transaction that copied them, up to where events have been copied.</summary>
    public static Task HasCopied(NpgsqlConnection target, long position, CancellationToken ct) => LongWork.Run(
        target, "update crm_recovery.marker set copied = $1", ct, new NpgsqlParameter<long> { TypedValue = position });

    /// <summary>Says that the recovery has been verified.</summary>
    public static Task HasFinished(NpgsqlConnection target, string sha256, CancellationToken ct) => LongWork.Run(
        target,
        "update crm_recovery.marker set finished_at = clock_timestamp(), sha256 = $1",
        ct,
        new NpgsqlParameter<string> { TypedValue = sha256 });

    private static async Task<RecoveryMarker?> Read(NpgsqlConnection target, CancellationToken ct)
    {
        await using (var look = new NpgsqlCommand("select to_regclass('crm_recovery.marker') is not null", target))
        {
            if (await look.ExecuteScalarAsync(ct) is not true)
            {
                return null;
            }
        }

        await using var find = new NpgsqlCommand(Find, target);
        await using var reader = await find.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new RecoveryMarker(reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetBoolean(3))
            : throw new RecoveryRefusedException("The database is not empty: its recovery has lost its mark.");
    }

    private static async Task<bool> HoldsAnything(NpgsqlConnection target, CancellationToken ct)
    {
        await using var look = new NpgsqlCommand(
            """
            select exists (select from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public'))
                or exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                           where n.nspname = 'public' and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))
            """,
            target);
        return await look.ExecuteScalarAsync(ct) is true;
    }
}
