using Crm.EventStore.Audit;
using Crm.Web.Hosting;

namespace Crm.Web.Audit;

/// <summary>What the provable history needs on a host.</summary>
public static class AuditSetup
{
    /// <summary>Adds the tree, what keeps it up with the log and signed, what brings its heads elsewhere, what verifies it.</summary>
    /// <exception cref="SettingMissingException">The settings make no sense.</exception>
    public static void AddCrmAudit(this WebApplicationBuilder builder)
    {
        var options = builder.Configuration.Read<AuditOptions>(AuditOptions.Section);
        if (!options.IsValid)
        {
            throw new Hosting.SettingMissingException(
                $"{AuditOptions.Section} makes no sense: HeadEvery is at most a minute, Origin holds no space and no plus, "
                + "HeadsTo are files and https addresses.");
        }

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton<AuditTree>();
        services.AddSingleton<AuditSigning>();
        services.AddSingleton<AuditFollower>();
        services.AddSingleton<AuditWatch>();
        services.AddHostedService(static provider => provider.GetRequiredService<AuditFollower>());
        services.AddHostedService(static provider => provider.GetRequiredService<AuditWatch>());
        services.AddHostedService<HeadDelivery>();
    }
}
