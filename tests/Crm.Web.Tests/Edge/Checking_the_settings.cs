using Crm.Web.Hosting;

namespace Crm.Web.Tests.Edge;

public class Checking_the_settings
{
    private const string Secret = "MARK-b3f1c6d2e9";

    private static readonly (string, string?)[] good =
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("ConnectionStrings:Crm", $"Host=db;Username=crm_app;Password={Secret}"),
        ("CRM_MASTER_KEY", Convert.ToBase64String(Enumerable.Range(1, 32).Select(each => (byte)each).ToArray())),
    ];

    [Fact]
    public void finds_nothing_to_refuse_in_good_ones()
    {
        Assert.DoesNotContain(Look(), static finding => finding.Refused);
        SettingsCheck.Demand(Settings());
    }

    [Theory]
    [InlineData("ConnectionStrings__Crm", "missing", "ConnectionStrings:Crm", null)]
    [InlineData("ConnectionStrings__Crm", "weak", "ConnectionStrings:Crm", "Host=db;Username=crm_app")]
    [InlineData("ConnectionStrings__Crm", "weak", "ConnectionStrings:Crm", "Host=db;Username=crm_app_of_ours;Password=crm_app_of_ours")]
    [InlineData("ConnectionStrings__Crm", "weak", "ConnectionStrings:Crm", "Host=db;Username=crm_app;Password=short")]
    [InlineData("ConnectionStrings__Crm", "weak", "ConnectionStrings:Crm", "no connection string at all")]
    [InlineData("CRM_MASTER_KEY_FILE", "missing", "CRM_MASTER_KEY", null)]
    [InlineData("CRM_MASTER_KEY_FILE", "development", "CRM_MASTER_KEY", "c2hvcnQ=")]
    [InlineData("CRM_ADMIN_PASSWORD", "weak", "CRM_ADMIN_PASSWORD", "admin")]
    [InlineData("Crm:Cors:Origins", "weak", "Crm:Cors:Origins:0", "http://app.example")]
    [InlineData("Crm:Edge", "weak", "Crm:Edge:CallerBurst", "0")]
    [InlineData("Crm:Security:PasswordRounds", "weak", "Crm:Security:PasswordRounds", "10000")]
    public void names_what_Production_refuses(string setting, string state, string changed, string? value)
    {
        var refused = Assert.Single(Look((changed, value)), static finding => finding.Refused);
        Assert.Equal((setting, state), (refused.Setting, refused.State));
        var said = Assert.Throws<SettingMissingException>(() => SettingsCheck.Demand(Settings((changed, value)))).Message;
        Assert.Contains(setting, said, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db.example;Username=crm_app;Password=long-enough-for-it", "weak")]
    [InlineData("Host=db.example;Username=crm_app;Password=long-enough-for-it;SSL Mode=VerifyFull", "set")]
    [InlineData("Host=127.0.0.1;Username=crm_app;Password=long-enough-for-it", "set")]
    public void warns_of_a_remote_database_without_TLS(string login, string state) =>
        Assert.Equal(state, Assert.Single(Look(("ConnectionStrings:Crm", login)), static finding => finding.Setting == "ConnectionStrings__Crm").State);

    [Fact]
    public void warns_of_an_issuer_that_may_be_reached_without_TLS()
    {
        (string, string?)[] issuer =
        [
            ("Crm:Security:Issuers:0:Issuer", "http://issuer.internal"), ("Crm:Security:Issuers:0:Audience", "crm"),
            ("Crm:Security:Issuers:0:Roles:staff", "agent"), ("Crm:Security:Issuers:0:AllowPrivateNetwork", "true"),
        ];
        var finding = Assert.Single(Look(issuer), static finding => finding.Setting == "Crm:Security:Issuers:0");
        Assert.Equal(("weak", false), (finding.State, finding.Refused));
        Assert.True(Assert.Single(Look(issuer[..3]), static finding => finding.Setting == "Crm:Security:Issuers:0").Refused);
    }

    [Fact]
    public void takes_secrets_from_a_folder_with_a_file_for_each()
    {
        var folder = Directory.CreateTempSubdirectory("crm-secrets-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "ConnectionStrings__Crm"), "Host=from-a-file\n");
            using var settings = new ConfigurationManager();
            settings["ConnectionStrings:Crm"] = "Host=from-elsewhere";
            settings[SecretFiles.FolderSetting] = folder;
            settings.AddSecretFiles();
            Assert.Equal("Host=from-a-file", settings.GetConnectionString("Crm"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void names_a_folder_of_secrets_that_is_not_there()
    {
        using var settings = new ConfigurationManager();
        settings[SecretFiles.FolderSetting] = "/no/such/folder";
        var said = Assert.Throws<SettingMissingException>(settings.AddSecretFiles).Message;
        Assert.Contains(SecretFiles.FolderSetting, said, StringComparison.Ordinal);
    }

    [Fact]
    public void never_shows_a_value() =>
        Assert.All(Look(("CRM_ADMIN_PASSWORD", Secret)), static finding => Assert.DoesNotContain(Secret, finding.ToString(), StringComparison.Ordinal));

    private static IReadOnlyList<SettingFinding> Look(params (string, string?)[] changes) => SettingsCheck.Look(Settings(changes));

    private static IConfigurationRoot Settings(params (string, string?)[] changes)
    {
        var all = good.ToDictionary(static setting => setting.Item1, static setting => setting.Item2);
        foreach (var (name, value) in changes)
        {
            all[name] = value;
        }

        return new ConfigurationBuilder().AddInMemoryCollection(all).Build();
    }
}
