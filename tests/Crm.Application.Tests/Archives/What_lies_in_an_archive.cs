using System.Security.Cryptography;
using Crm.EventStore.Archives;

namespace Crm.Application.Tests.Archives;

/// <summary>Nothing that opens what was erased is left behind, and configuration lies encrypted.</summary>
public sealed class What_lies_in_an_archive : ArchiveStage
{
    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly ArchiveKey key = ArchiveKey.Of(SHA256.HashData("a key of this test"u8));

    private ArchiveFolder Apart => ArchiveFolder.At(Folder.Root, Path.Combine(Root, "apart"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task is_one_file_of_keys_in_one_place(bool firstApart)
    {
        var (first, second) = firstApart ? (Apart, Folder) : (Folder, Apart);
        await Backup(to: first);
        var file = Assert.Single(Directory.GetFiles(first.Keys));

        var refused = await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup(to: second));
        var madeMeanwhile = Directory.Exists(second.Keys);
        Directory.CreateDirectory(second.Keys);
        File.Move(file, Path.Combine(second.Keys, Path.GetFileName(file)));
        await Backup(to: second);

        Assert.Contains($"--keys-to {first.Keys}", refused.Message, StringComparison.Ordinal);
        Assert.False(madeMeanwhile);
        Assert.Empty(Directory.GetFiles(first.Keys));
        Assert.NotEqual(Path.GetFileName(file), Path.GetFileName(Assert.Single(Directory.GetFiles(second.Keys))));
        Assert.Empty((await ArchiveCheck.Run(second, key: null, progress: null, Ct)).Orphans);
    }

    [Fact]
    public async Task is_checked_for_keys_that_no_manifest_names()
    {
        await Backup(to: Apart);
        Directory.CreateDirectory(Folder.Keys);
        var orphan = Path.Combine(Folder.Keys, "secrets-000000000001-before.ndjson.gz");
        File.Copy(Assert.Single(Directory.GetFiles(Apart.Keys)), orphan);

        var check = await ArchiveCheck.Run(Apart, key: null, progress: null, Ct);

        Assert.Equal([orphan], check.Orphans);
        Assert.True(check.IsWhole);
    }

    [Fact]
    public async Task is_configuration_encrypted_and_as_it_was_last_named()
    {
        var settings = await Written("appsettings.json", "Password=one");
        await Encrypted(settings);
        await Backup(key);
        var first = Assert.Single(Files("config"));
        var kept = await TakenOut("first");
        await Written("appsettings.json", "Password=two");
        await Encrypted(settings, await Written("nginx.conf", "server {}"));
        var replaced = await TakenOut("second");

        Assert.Equal(["Password=one"], kept);
        Assert.Equal(["Password=two", "server {}"], replaced);
        Assert.DoesNotContain(first, Files("config"));
        Assert.Equal(2, Files("config").Length);
        Assert.True((await ArchiveCheck.Run(Folder, key, progress: null, Ct)).IsWhole);
        await File.WriteAllTextAsync(Files("config")[0], "something else", Ct);
        var damaged = await ArchiveCheck.Run(Folder, key, progress: null, Ct);
        Assert.Contains("config/", Assert.Single(damaged.Damages).File, StringComparison.Ordinal);
        Assert.Equal(damaged.LastPosition, damaged.GoodUpTo);
    }

    [Fact]
    public async Task is_no_configuration_in_clear_or_of_which_there_are_two()
    {
        var settings = await Written("appsettings.json", "Password=one");
        Directory.CreateDirectory(Path.Combine(Root, "other"));
        var other = await Written("other/appsettings.json", "Password=two");

        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backed(archiveKey: null, settings));
        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Encrypted(settings, other));
        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Encrypted(settings, Path.Combine(Root, "missing.json")));
        Assert.False(Directory.Exists(Folder.Root));
    }

    [Fact]
    public async Task is_for_its_owner_alone()
    {
        await Encrypted(await Written("appsettings.json", "Password=one"));

        Assert.All(
            Directory.GetFiles(Folder.Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }),
            static file => Assert.Equal(OursAlone, File.GetUnixFileMode(file)));
        Assert.True(File.Exists(Path.Combine(Folder.Root, ".lock")));
    }

    [Fact]
    public async Task is_not_called_damaged_because_a_key_was_named_that_it_does_not_need()
    {
        await Backup();

        var checking = await Assert.ThrowsAsync<ArchiveRefusedException>(() => ArchiveCheck.Run(Folder, key, progress: null, Ct));
        await Assert.ThrowsAsync<ArchiveRefusedException>(() => Backup(key));

        Assert.Contains("not encrypted, and a key was named", checking.Message, StringComparison.Ordinal);
    }

    private Task<BackupReport> Encrypted(params string[] configuration) => Backed(key, configuration);

    private Task<BackupReport> Backed(ArchiveKey? archiveKey, params string[] configuration) =>
        new LogBackup(Source.App, Folder, archiveKey, TimeProvider.System) { SegmentEvents = SegmentEvents, Configuration = configuration }
            .Run(progress: null, Ct);

    private async Task<string> Written(string name, string content)
    {
        var path = Path.Combine(Root, name);
        await File.WriteAllTextAsync(path, content, Ct);
        return path;
    }

    private async Task<IReadOnlyList<string>> TakenOut(string into)
    {
        var contents = new List<string>();
        foreach (var file in await ArchivedConfiguration.Restore(Folder, key, Path.Combine(Root, into), Ct))
        {
            Assert.Equal(OursAlone, File.GetUnixFileMode(file));
            contents.Add(await File.ReadAllTextAsync(file, Ct));
        }

        return contents;
    }

    private string[] Files(string below) => Directory.GetFiles(Path.Combine(Folder.Root, below));
}
