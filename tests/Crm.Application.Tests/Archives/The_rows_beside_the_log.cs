using Crm.EventStore.Archives;
using Crm.Testing;
using Npgsql;

namespace Crm.Application.Tests.Archives;

/// <summary>The rows beside the log are of one moment: the keys that were wrapped, and the record of what wrapped them.</summary>
public sealed class The_rows_beside_the_log : ArchiveStage
{
    [Fact]
    public async Task hold_the_keys_as_they_stood_together_though_the_master_key_is_rotated_meanwhile()
    {
        await Execute(Source.Superuser, $"insert into crm.master_keys (id, proof) values ('{TestKeys.Key.Id}', '\\x00')");
        Task<BackupReport> backup;
        await using (var rotation = await Source.Superuser.OpenConnectionAsync(Ct))
        {
            await using var held = await rotation.BeginTransactionAsync(Ct);
            await using var rotate = new NpgsqlCommand("lock table crm.subject_keys", rotation);
            await rotate.ExecuteNonQueryAsync(Ct);
            backup = Backup();
            await Eventually.IsTrue(
                () => One<bool>(
                    Source.Superuser,
                    "select exists (select from pg_locks where relation = 'crm.subject_keys'::regclass and not granted)"),
                Ct);
            rotate.CommandText =
                "insert into crm.master_keys (id, proof) values ('another', '\\x00'); update crm.subject_keys set master_key = 'another'";
            await rotate.ExecuteNonQueryAsync(Ct);
            await held.CommitAsync(Ct);
        }

        await backup;

        Assert.True((await Restore(await Target())).Verified);
    }
}
