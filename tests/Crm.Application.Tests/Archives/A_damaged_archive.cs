using System.Security.Cryptography;
using System.Text;
using Crm.Application.Recovery;
using Crm.EventStore.Archives;

namespace Crm.Application.Tests.Archives;

public sealed class A_damaged_archive : ArchiveStage
{
    private static readonly ArchiveKey key = ArchiveKey.Of(SHA256.HashData("a key of this test"u8));

    public enum Damage
    {
        FlippedAtTheStart,
        FlippedInTheMiddle,
        FlippedAtTheEnd,
        CutShort,
        Lengthened,
        Missing,
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task is_named_by_file_and_positions(bool encrypted)
    {
        var archiveKey = encrypted ? key : null;
        await Backup(archiveKey);
        var (segment, secrets, target) = (Segments()[1], Assert.Single(Directory.GetFiles(Folder.Keys)), await Target());
        var (segmentWhole, secretsWhole) = (await File.ReadAllBytesAsync(segment, Ct), await File.ReadAllBytesAsync(secrets, Ct));
        foreach (var damage in Enum.GetValues<Damage>())
        {
            await Do(damage, segment);
            var report = await ArchiveCheck.Run(Folder, archiveKey, progress: null, Ct);
            var found = Assert.Single(report.Damages);
            Assert.Equal((101L, 200L, 100L), (found.First, found.Last, report.GoodUpTo));
            Assert.Contains("000000000101-000000000200", found.File, StringComparison.Ordinal);
            var refused = await Assert.ThrowsAsync<ArchiveDamagedException>(() => Restore(target, key: archiveKey));
            Assert.Equal(101, Assert.Single(refused.Damages).First);
            await File.WriteAllBytesAsync(segment, segmentWhole, Ct);

            await Do(damage, secrets);
            report = await ArchiveCheck.Run(Folder, archiveKey, progress: null, Ct);
            Assert.Contains("secrets-", Assert.Single(report.Damages).File, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArchiveDamagedException>(() => Restore(target, key: archiveKey));
            await File.WriteAllBytesAsync(secrets, secretsWhole, Ct);
        }

        Assert.True((await ArchiveCheck.Run(Folder, archiveKey, progress: null, Ct)).IsWhole);
        Assert.Equal(0, await One<long>(target.Owner ?? target.App, "select count(*) from pg_namespace where nspname like 'crm%'"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task is_noticed_where_segments_were_exchanged(bool encrypted)
    {
        var archiveKey = encrypted ? key : null;
        await Backup(archiveKey);
        var (first, second) = (Segments()[0], Segments()[1]);
        File.Move(first, first + ".x");
        File.Move(second, first);
        File.Move(first + ".x", second);

        var report = await ArchiveCheck.Run(Folder, archiveKey, progress: null, Ct);

        Assert.Equal([1L, 101L], report.Damages.Select(static damage => damage.First));
        Assert.Equal(0, report.GoodUpTo);
    }

    [Theory]
    [InlineData(false, "\"lastPosition\": |\"lastPosition\": 1", "\"streams\": |\"streams\": 1", "\"lead-captured\": |\"lead-captured\": 1")]
    [InlineData(true, "\"first\": 101|\"first\": 102", "\"encryption\": {|\"encryption\": null, \"x\": {", "\"runs\": [|\"runs\": [ ")]
    public async Task is_noticed_where_the_manifest_was_edited(bool encrypted, params string[] edits)
    {
        var archiveKey = encrypted ? key : null;
        await Backup(archiveKey);
        var manifest = Path.Combine(Folder.Root, "manifest.json");
        var text = await File.ReadAllTextAsync(manifest, Ct);
        foreach (var (from, to) in edits.Select(static edit => (edit.Split('|')[0], edit.Split('|')[1])))
        {
            var at = text.IndexOf(from, StringComparison.Ordinal);
            await File.WriteAllTextAsync(manifest, string.Concat(text.AsSpan(0, at), to, text.AsSpan(at + from.Length)), Ct);
            await Assert.ThrowsAsync<ArchiveDamagedException>(() => Folder.Read(archiveKey, Ct));
            await Assert.ThrowsAsync<ArchiveDamagedException>(() => Backup(archiveKey));
        }
    }

    [Fact]
    public async Task cannot_be_made_to_look_whole_without_the_key()
    {
        // Whoever can write to the folder can take a hash of whatever page they like, but not sign it.
        await Backup(key);
        var manifest = Path.Combine(Folder.Root, "manifest.json");
        var text = await File.ReadAllTextAsync(manifest, Ct);
        var digest = (await Folder.Read(key, Ct)).Digest;
        var open = text.Replace("\"product\": \"crm", "\"product\": \"forged", StringComparison.Ordinal)
            .Replace($"\"digest\": \"{digest}\"", "\"digest\": \"\"", StringComparison.Ordinal);
        var forged = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(open.TrimEnd('\n'))));
        await File.WriteAllTextAsync(manifest, open.Replace("\"digest\": \"\"", $"\"digest\": \"{forged}\"", StringComparison.Ordinal), Ct);

        await Assert.ThrowsAsync<ArchiveDamagedException>(() => ArchiveCheck.Run(Folder, key, progress: null, Ct));
    }

    [Fact]
    public async Task does_not_open_with_another_key_or_with_none()
    {
        await Backup(key);
        var other = ArchiveKey.Of(SHA256.HashData("another key"u8));

        await Assert.ThrowsAsync<ArchiveRefusedException>(() => ArchiveCheck.Run(Folder, other, progress: null, Ct));
        await Assert.ThrowsAsync<ArchiveRefusedException>(() => ArchiveCheck.Run(Folder, key: null, progress: null, Ct));
        await Assert.ThrowsAsync<ArchiveRefusedException>(async () => await Restore(await Target()));
    }

    [Theory]
    [InlineData(Damage.FlippedInTheMiddle, false)]
    [InlineData(Damage.CutShort, true)]
    public async Task gives_its_good_part_when_that_is_asked_for(Damage damage, bool encrypted)
    {
        var archiveKey = encrypted ? key : null;
        await Backup(archiveKey);
        await Do(damage, Segments()[2]);
        var target = await Target();

        var report = await Restore(target, RestoreRequest.Everything with { GoodPart = true }, archiveKey);

        Assert.True(report.Verified);
        Assert.Equal(200, report.Position);
        Assert.Contains("000000000201", Assert.Single(report.Warnings, static warning => warning.StartsWith("damaged", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal((await LogDigest.Of(Source.App, 200, Ct)).Sha256, (await LogDigest.Of(target.App, 200, Ct)).Sha256);
    }

    private static async Task Do(Damage damage, string file)
    {
        var bytes = await File.ReadAllBytesAsync(file, Ct);
        switch (damage)
        {
            case Damage.FlippedAtTheStart: bytes[0] ^= 1; break;
            case Damage.FlippedInTheMiddle: bytes[bytes.Length / 2] ^= 0x40; break;
            case Damage.FlippedAtTheEnd: bytes[^1] ^= 0x80; break;
            case Damage.CutShort: bytes = bytes[..^7]; break;
            case Damage.Lengthened: bytes = [.. bytes, 0]; break;
            case Damage.Missing: File.Delete(file); return;
        }

        await File.WriteAllBytesAsync(file, bytes, Ct);
    }
}
