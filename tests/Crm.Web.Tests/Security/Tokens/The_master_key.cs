using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Sealing;
using Crm.Testing;
using Crm.Web.Hosting;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class The_master_key : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-master-key-");
    private readonly MasterKey key = MasterKey.Of(RandomNumberGenerator.GetBytes(32));

    [Fact]
    public void opens_what_it_sealed()
    {
        Assert.Equal("a secret"u8, key.Open("here", key.Seal("here", "a secret"u8)));
        Assert.Empty(key.Open("here", key.Seal("here", [])));
    }

    [Fact]
    public void seals_one_secret_differently_each_time_and_shows_nothing_of_it()
    {
        var first = key.Seal("here", "a secret"u8);
        Assert.NotEqual(first, key.Seal("here", "a secret"u8));
        Assert.Equal(-1, first.AsSpan().IndexOf("secret"u8));
    }

    [Fact]
    public void opens_nothing_that_was_sealed_for_another_place() =>
        Assert.Throws<SealBrokenException>(() => key.Open("there", key.Seal("here", "a secret"u8)));

    [Fact]
    public void opens_nothing_that_another_key_sealed() => Assert.Throws<SealBrokenException>(
        () => MasterKey.Of(RandomNumberGenerator.GetBytes(32)).Open("here", key.Seal("here", "a secret"u8)));

    [Fact]
    public void notices_every_changed_bit_and_every_missing_byte()
    {
        var box = key.Seal("here", "a secret"u8);
        for (var bit = 0; bit < box.Length * 8; bit++)
        {
            var changed = box.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<SealBrokenException>(() => key.Open("here", changed));
        }

        for (var length = 0; length < box.Length; length++)
        {
            Assert.Throws<SealBrokenException>(() => key.Open("here", box.AsSpan(0, length)));
        }
    }

    [Fact]
    public void is_made_once_in_Development_and_readable_by_its_owner_alone()
    {
        var made = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ => Load("Development")).ToList();
        var box = made[0].Seal("here", "a secret"u8);
        Assert.All(made, one => Assert.Equal("a secret"u8, one.Open("here", box)));
        var file = Assert.Single(folder.GetFiles());
        Assert.Equal("master.key", file.Name);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode);
    }

    [Fact]
    public void of_the_settings_comes_before_that_of_the_file()
    {
        var given = RandomNumberGenerator.GetBytes(32);
        var box = MasterKey.Of(given).Seal("here", "a secret"u8);
        Assert.Equal("a secret"u8, Load("Production", (MasterKeySettings.Setting, Convert.ToBase64String(given))).Open("here", box));

        var file = Path.Combine(folder.FullName, "given");
        File.WriteAllText(file, Convert.ToBase64String(given) + "\n");
        Assert.Equal("a secret"u8, Load("Production", (MasterKeySettings.FileSetting, file)).Open("here", box));
        Assert.False(File.Exists(Path.Combine(folder.FullName, "master.key")));
    }

    [Fact]
    public void is_not_made_in_Production() =>
        Assert.Contains(MasterKeySettings.FileSetting, Assert.Throws<SettingMissingException>(() => Load("Production")).Message, StringComparison.Ordinal);

    [Fact]
    public void of_Development_is_refused_in_Production()
    {
        Load("Development");
        var file = Path.Combine(folder.FullName, "master.key");
        Assert.Throws<SettingMissingException>(() => Load("Production", (MasterKeySettings.FileSetting, file)));
        Assert.Throws<SettingMissingException>(() => Load("Production", (MasterKeySettings.Setting, File.ReadAllText(file))));
    }

    [Theory]
    [InlineData("change me")]
    [InlineData("c2hvcnQ=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==")]
    public void that_is_none_is_refused_and_not_repeated(string text)
    {
        var refused = Assert.Throws<SettingMissingException>(() => Load("Development", (MasterKeySettings.Setting, text)));
        Assert.DoesNotContain(text, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void whose_file_is_not_there_is_refused() => Assert.Throws<SettingMissingException>(
        () => Load("Development", (MasterKeySettings.FileSetting, Path.Combine(folder.FullName, "missing"))));

    [Fact]
    public void prints_nothing_of_itself() =>
        Assert.Equal(("MasterKey", "MasterKeys"), (key.ToString(), MasterKeys.Of(key).ToString()));

    [Fact]
    public void seals_as_AES_GCM_does_by_the_published_vectors()
    {
        // The box is version, nonce, ciphertext and tag: a published message put together so must open, and a changed one must not.
        using var vectors = System.Text.Json.JsonDocument.Parse(File.ReadAllText(SharedData.Path("wycheproof", "aes_gcm_test.json")));
        var judged = 0;
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            if (group.GetProperty("keySize").GetInt32() != 256 || group.GetProperty("ivSize").GetInt32() != 96)
            {
                continue;
            }

            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                byte[] Hex(string name) => Convert.FromHexString(test.GetProperty(name).GetString() ?? "");

                // A place is text; the few vectors whose associated data are not are left to the framework's own tests.
                var place = Encoding.UTF8.GetString(Hex("aad"));
                if (!Encoding.UTF8.GetBytes(place).AsSpan().SequenceEqual(Hex("aad")))
                {
                    continue;
                }

                var published = MasterKey.Of(Hex("key"));
                byte[] box = [1, .. Hex("iv"), .. Hex("ct"), .. Hex("tag")];
                if (test.GetProperty("result").GetString() == "valid")
                {
                    Assert.Equal(Hex("msg"), published.Open(place, box));
                }
                else
                {
                    Assert.Throws<SealBrokenException>(() => published.Open(place, box));
                }

                judged++;
            }
        }

        Assert.True(judged > 40, $"only {judged} vectors were judged");
    }

    public void Dispose() => folder.Delete(recursive: true);

    private MasterKeys Load(string environment, params (string Name, string Value)[] settings)
    {
        var all = settings.Append(("CRM_DATA_DIR", folder.FullName)).ToDictionary(one => one.Item1, one => (string?)one.Item2);
        return MasterKeySettings.Load(
            new ConfigurationBuilder().AddInMemoryCollection(all).Build(), isProduction: environment is "Production");
    }
}
