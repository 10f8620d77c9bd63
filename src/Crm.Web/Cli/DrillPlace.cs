using System.Net.Sockets;
using Crm.Application.Drill;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Cli;

/// <summary>
/// Where a drill makes its throwaway databases: on the server of the settings, where that can be reached and lets it; else on a server of
/// its own in a temporary folder, which is removed with everything in it.
/// </summary>
internal sealed class DrillPlace : IAsyncDisposable
{
    private readonly IConfiguration settings = SecretFiles.ForVerbs();
    private LocalCluster? own;
    private DirectoryInfo? folder;

    private DrillPlace()
    {
    }

    /// <summary>The database of the settings; null where it cannot be reached.</summary>
    public VerbDatabase? Settings { get; private set; }

    /// <summary>Why the database of the settings cannot be reached; null where it can.</summary>
    public string? Unreachable { get; private set; }

    /// <summary>The master keys of the settings.</summary>
    /// <exception cref="SettingMissingException">There are none.</exception>
    public MasterKeys Masters => Settings?.Masters ?? MasterKeySettings.Load(settings, VerbDatabase.IsProductionIn(settings));

    /// <summary>Where the databases are made, for people.</summary>
    public string Description => own is null ? "the server of the settings" : "a server of its own, in a temporary folder";

    /// <summary>Finds the place.</summary>
    /// <param name="ownServer">Whether the server of the settings is to be left alone.</param>
    /// <param name="ct">Gives up waiting.</param>
    public static async Task<DrillPlace> Find(bool ownServer, CancellationToken ct)
    {
        var place = new DrillPlace();
        try
        {
            await place.Reach(ct);
            if (ownServer || place.Settings is null || !await place.MayMake(ct))
            {
                await place.StartOwn(ct);
            }

            return place;
        }
        catch
        {
            await place.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes an empty database.</summary>
    public async Task<CrmDatabase> Make(string name, CancellationToken ct)
    {
        if (own is null)
        {
            var there = Settings ?? throw new InvalidOperationException("Without a server of its own there is that of the settings.");
            return await there.Beside(name, ct);
        }

        await own.CreateDatabase(name, template: null, ct);
        return CrmDatabase.Local(own, VerbDatabase.Pool, name);
    }

    /// <summary>Removes a database.</summary>
    public Task Remove(string name) => own?.DropDatabase(name, CancellationToken.None) ?? Settings?.Remove(name) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (own is not null)
        {
            own.Abandon();
            own = null;
        }

        folder?.Delete(recursive: true);
        if (Settings is not null)
        {
            await Settings.DisposeAsync();
        }
    }

    private async Task Reach(CancellationToken ct)
    {
        if (settings.GetConnectionString("Crm") is not { Length: > 0 }
            && !Directory.Exists(settings["CRM_DATA_DIR"] is { Length: > 0 } data ? data : ".data"))
        {
            // It would be made, and a drill leaves nothing behind.
            Unreachable = "there is no database of the settings";
            return;
        }

        try
        {
            Settings = await VerbDatabase.Open(ct, migrate: false);
            await using var connection = await Settings.Database.App.OpenConnectionAsync(ct);
        }
        catch (Exception lost) when (lost is NpgsqlException or SocketException or LocalPostgresException)
        {
            Unreachable = $"the database of the settings cannot be reached ({lost.Message})";
            if (Settings is not null)
            {
                await Settings.DisposeAsync();
                Settings = null;
            }
        }
    }

    private async Task<bool> MayMake(CancellationToken ct)
    {
        var name = $"{DrillGround.Prefix}{Guid.NewGuid().ToString("N")[..12]}_0";
        var there = Settings ?? throw new InvalidOperationException("It is asked where the database of the settings was reached.");
        try
        {
            await using var made = await there.Beside(name, ct);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return false;
        }
        finally
        {
            await there.Remove(name);
        }
    }

    private async Task StartOwn(CancellationToken ct)
    {
        folder = Directory.CreateTempSubdirectory("crm-drill-");

        // The server runs as another user where this is root.
        folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        using var loggers = VerbLogging.Create();
        own = await LocalCluster.Start(
            folder.FullName,
            new LocalClusterOptions { Durable = false, BinFolder = settings["CRM_PG_BIN"] },
            loggers.CreateLogger<LocalCluster>(),
            ct);
    }
}
