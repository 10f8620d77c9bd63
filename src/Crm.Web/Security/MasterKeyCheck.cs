using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// Tells at the start whether a host has the master keys that its database was sealed with, and puts the one that it seals with on record:
/// a host with a wrong key must neither read nor seal anything.
/// </summary>
public static class MasterKeyCheck
{
    private static ReadOnlySpan<byte> Proof => "crm master key"u8;

    /// <summary>Checks them against what the database was sealed with.</summary>
    /// <exception cref="SettingMissingException">A key is missing, or is another one under the same id.</exception>
    public static async Task Demand(NpgsqlDataSource database, MasterKeys masters, CancellationToken ct)
    {
        await using (var used = database.CreateCommand(
            "select id, proof from crm.master_keys where retired_at is null order by first_used_at"))
        await using (var row = await used.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct))
            {
                Demand(row.GetString(0), row.GetFieldValue<byte[]>(1), masters);
            }
        }

        // What was restored or recovered may bring keys without a record of what wrapped them: one of them tells.
        await using (var any = database.CreateCommand("select master_key from crm.subject_keys where wrapped is not null limit 1"))
        {
            if (await any.ExecuteScalarAsync(ct) is string id && masters.Named(id) is null)
            {
                throw Lacks(id);
            }
        }

        await Record(database, masters.Current, ct);
    }

    /// <summary>Puts a key on record as one that seals; one that had retired seals again.</summary>
    public static async Task Record(NpgsqlDataSource database, MasterKey key, CancellationToken ct)
    {
        await using var record = database.CreateCommand(
            """
            insert into crm.master_keys as m (id, proof) values ($1, $2)
            on conflict (id) do update set retired_at = null where m.retired_at is not null
            """);
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Id });
        record.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.Seal(PlaceOf(key.Id), Proof) });
        await record.ExecuteNonQueryAsync(ct);
    }

    private static void Demand(string id, byte[] proof, MasterKeys masters)
    {
        if (masters.Named(id) is not { } key)
        {
            throw Lacks(id);
        }

        try
        {
            key.Open(PlaceOf(id), proof);
        }
        catch (SealBrokenException)
        {
            throw new SettingMissingException($"The master key {id} does not open what it sealed in the database: that was changed.");
        }
    }

    private static SettingMissingException Lacks(string id) => new(
        $"The database was sealed with the master key {id}, which {MasterKeySettings.FileSetting} does not hold: with another one nothing "
        + "personal in it can be read. Give the host the key that the database was sealed with.");

    private static string PlaceOf(string id) => $"master_keys/{id}";
}
