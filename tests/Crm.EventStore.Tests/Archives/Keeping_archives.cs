using System.Globalization;
using Crm.EventStore.Archives;

namespace Crm.EventStore.Tests.Archives;

public sealed class Keeping_archives : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 3, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("crm-prune-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => root.Delete(recursive: true);

    [Theory]
    [InlineData("daily", 6, false)]
    [InlineData("daily", 7, true)]
    [InlineData("weekly", 27, false)]
    [InlineData("weekly", 28, true)]
    [InlineData("leads", 13, false)]
    [InlineData("leads", 14, true)]
    [InlineData("pre-deployment", 400, false)]
    [InlineData("something else", 400, false)]
    public async Task goes_by_kind_and_age(string kind, int days, bool due)
    {
        var name = Folder(kind, days);
        Folder("daily", 0);

        var report = await Prune(apply: true);

        Assert.Equal(due, report.Folders.Single(folder => folder.Name == name).Due);
        Assert.Equal(!due, Directory.Exists(Path.Combine(root.FullName, name)));
    }

    [Fact]
    public async Task says_first_what_it_would_do_and_removes_nothing()
    {
        var old = Folder("weekly", 40);
        Folder("weekly", 1);

        var report = await Prune(apply: false);

        Assert.Equal(old, Assert.Single(report.Folders, static folder => folder.Due).Name);
        Assert.True(Directory.Exists(Path.Combine(root.FullName, old)));
    }

    [Fact]
    public async Task keeps_the_newest_archive_however_old_it_is()
    {
        var newest = Folder("daily", 300);
        var older = Folder("daily", 301);
        var interrupted = Folder("daily", 299, isWhole: false);

        var report = await Prune(apply: true);

        Assert.Equal([older, interrupted], report.Folders.Where(static folder => folder.Due).Select(static folder => folder.Name));
        Assert.True(Directory.Exists(Path.Combine(root.FullName, newest)));
    }

    [Fact]
    public async Task counts_from_the_last_time_that_something_was_added()
    {
        var added = Folder("weekly", 40);
        File.SetLastWriteTimeUtc(Path.Combine(root.FullName, added, "manifest.json"), Now.UtcDateTime.AddDays(-10));
        Folder("weekly", 1);

        Assert.DoesNotContain((await Prune(apply: true)).Folders, static folder => folder.Due);
    }

    [Fact]
    public async Task lets_one_from_before_a_deployment_go_once_that_is_verified()
    {
        var verified = Folder("pre-deployment", 8);
        await File.WriteAllTextAsync(Path.Combine(root.FullName, verified, "verified"), "", Ct);
        Folder("daily", 0);

        Assert.Equal(verified, Assert.Single((await Prune(apply: true)).Folders, static folder => folder.Due).Name);
    }

    [Fact]
    public async Task never_touches_what_is_none_of_ours()
    {
        foreach (var name in new[] { "photos", "crm_backup_yesterday", "crm_backup_20200101_0300" })
        {
            root.CreateSubdirectory(name);
        }

        Folder("daily", 0);

        Assert.DoesNotContain((await Prune(apply: true)).Folders, static folder => folder.Due);
        Assert.Equal(4, root.GetDirectories().Length);
    }

    private Task<PruneReport> Prune(bool apply) => ArchiveRetention.Asked.Prune(root.FullName, Now, apply, Ct);

    private string Folder(string kind, int days, bool isWhole = true)
    {
        var at = Now.AddDays(-days);
        var folder = root.CreateSubdirectory("crm_backup_" + at.ToString("yyyyMMdd_HHmm", CultureInfo.InvariantCulture));
        File.WriteAllText(Path.Combine(folder.FullName, "kind"), kind + "\n");
        if (isWhole)
        {
            var manifest = Path.Combine(folder.FullName, "manifest.json");
            File.WriteAllText(manifest, "{}");
            File.SetLastWriteTimeUtc(manifest, at.UtcDateTime);
        }

        return folder.Name;
    }
}
