using Crm.Application.Drill;
using Crm.Application.Tests.Archives;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Sealing;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Application.Tests.Drill;

public sealed class A_recovery_drill : ArchiveStage
{
    private readonly List<string> made = [];

    [Fact]
    public async Task fails_where_more_would_be_lost_than_is_accepted_though_all_else_goes_well()
    {
        await Backup();

        var report = await Drill(TestKeys.Masters, new Later(DrillBounds.Loss + TimeSpan.FromMinutes(1)));

        Assert.False(report.Passed);
        Assert.Equal("age of the archive", Assert.Single(report.Steps, static step => step.Passed is false).Name);
        Assert.True(report.LossSeconds > DrillBounds.Loss.TotalSeconds);
        Assert.True(report.Steps.Count > 10);
        await NothingIsLeft(databases: 4);
    }

    [Fact]
    public async Task fails_where_the_master_key_is_another()
    {
        await Backup();

        var report = await Drill(MasterKeys.Of(MasterKey.Of([.. Enumerable.Repeat((byte)9, 32)])), TimeProvider.System);

        Assert.False(report.Passed);
        Assert.Contains("master key", report.Steps[^1].Says, StringComparison.Ordinal);
        await NothingIsLeft(databases: 1);
    }

    [Fact]
    public async Task fails_where_there_is_no_archive()
    {
        var report = await Drill(TestKeys.Masters, TimeProvider.System);

        Assert.False(report.Passed);
        Assert.Contains("no archive", Assert.Single(report.Steps).Says, StringComparison.Ordinal);
        await NothingIsLeft(databases: 0);
    }

    private async Task<DrillReport> Drill(MasterKeys masters, TimeProvider time)
    {
        await using var ground = new DrillGround(
            async (name, ct) =>
            {
                made.Add(name);
                await DatabaseAdmin.CreateDatabase(Source.Cluster.Admin, NameOf(name), template: null, ct);
                return await CrmDatabase.External(
                    Source.Cluster.Superuser(NameOf(name)), owner: null, new DataSourceSettings { MaxConnections = 20 }, ct);
            },
            name => DatabaseAdmin.DropDatabase(Source.Cluster.Admin, NameOf(name), CancellationToken.None));
        return await new RecoveryDrill(Folder, key: null, masters, ProjectionList.All, ground, time, NullLoggerFactory.Instance)
            .Run("a test", progress: null, Ct);
    }

    private async Task NothingIsLeft(int databases)
    {
        Assert.Equal(databases, made.Count);
        foreach (var name in made)
        {
            Assert.False(await DatabaseAdmin.DatabaseExists(Source.Cluster.Admin, NameOf(name), Ct), name);
        }
    }

    private string NameOf(string name) => $"{Source.Name}_{name}";

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
