using Crm.Web.Audit;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Hosting;

/// <summary>What is to be said of one setting; never its value.</summary>
/// <param name="Setting">Its name.</param>
/// <param name="State"><c>set</c>, <c>missing</c>, <c>weak</c> or <c>development</c>.</param>
/// <param name="Refused">Whether Production does not start with it.</param>
/// <param name="Because">Why, and what to do.</param>
internal sealed record SettingFinding(string Setting, string State, bool Refused, string Because);

/// <summary>Looks at the settings that security depends on.</summary>
internal static class SettingsCheck
{
    private const int ShortestPassword = 12;
    private const int LeastRounds = 100_000;

    /// <summary>Everything that was looked at, in a fixed order.</summary>
    public static IReadOnlyList<SettingFinding> Look(IConfiguration settings) =>
    [
        OfEnvironment(settings),
        OfLogin(settings, "Crm", needed: true),
        OfLogin(settings, "CrmOwner", needed: false),
        OfMasterKey(settings),
        OfAdmin(settings),
        OfOrigins(settings),
        OfEdge(settings),
        OfTransport(settings),
        OfPasswords(settings),
        .. OfIssuers(settings),
        OfRetention(settings),
        .. SecretFiles.Named().Select(OfFile),
    ];

    /// <summary>Refuses to go on in Production with settings that it must not have.</summary>
    /// <exception cref="SettingMissingException">There are such settings; each is named with the reason.</exception>
    public static void Demand(IConfiguration settings)
    {
        var refused = Look(settings).Where(static finding => finding.Refused && finding.Setting is not "ASPNETCORE_ENVIRONMENT").ToList();
        if (refused.Count > 0)
        {
            throw new SettingMissingException("Production does not start like this:" + string.Concat(
                refused.Select(static finding => $"{Environment.NewLine}  {finding.Setting} is {finding.State}: {finding.Because}")));
        }
    }

    /// <summary>Refuses to go on with settings that are not even of their kind, such as a word for a number.</summary>
    /// <exception cref="SettingMissingException">There is one; it is named.</exception>
    public static void DemandReadable(IConfiguration settings)
    {
        settings.Read<EdgeOptions>(EdgeOptions.Section);
        settings.Read<SecurityOptions>(SecurityOptions.Section);
        settings.Read<AuditOptions>(AuditOptions.Section);
    }

    private static SettingFinding OfEnvironment(IConfiguration settings) =>
        (settings["ASPNETCORE_ENVIRONMENT"] ?? settings["DOTNET_ENVIRONMENT"]) switch
        {
            "Production" => new("ASPNETCORE_ENVIRONMENT", "set", Refused: false, "Production."),
            _ => new("ASPNETCORE_ENVIRONMENT", "development", Refused: true, "anything but Production makes keys and a database of its own."),
        };

    private static SettingFinding OfLogin(IConfiguration settings, string name, bool needed)
    {
        var setting = "ConnectionStrings__" + name;
        if (settings.GetConnectionString(name) is not { Length: > 0 } login)
        {
            return needed
                ? new(setting, "missing", Refused: true, "in Production the host starts no database of its own: set it to the PostgreSQL database to use.")
                : new(setting, "missing", Refused: false, "the host then migrates with the login of ConnectionStrings__Crm, or not at all.");
        }

        NpgsqlConnectionStringBuilder read;
        try
        {
            read = new NpgsqlConnectionStringBuilder(login);
        }
        catch (ArgumentException)
        {
            return new(setting, "weak", Refused: true, "it cannot be read as a connection string.");
        }

        var bySocket = read.Host is { Length: > 0 } host && host[0] == '/';
        return read.Password switch
        {
            null or "" when bySocket || read.SslCertificate is not null => new(setting, "set", Refused: false, "without a password, by its socket or certificate."),
            null or "" => new(setting, "weak", Refused: true, "the login has no password."),
            { } password when password == read.Username || password.Length < ShortestPassword =>
                new(setting, "weak", Refused: true, $"the password is the user's name, or shorter than {ShortestPassword} characters."),
            _ when !bySocket && !IsLoopback(read.Host) && read.SslMode is SslMode.Disable or SslMode.Allow or SslMode.Prefer =>
                new(setting, "weak", Refused: false, $"TLS to {read.Host} is not demanded: add SSL Mode=VerifyFull (and Root Certificate)."),
            _ when read.Username == "postgres" => new(setting, "weak", Refused: false, "the host needs no superuser: give it crm_app, and CrmOwner a login that migrates."),
            _ => new(setting, "set", Refused: false, $"{read.Username} on {read.Host}."),
        };
    }

    private static bool IsLoopback(string? host) =>
        host is null or "localhost" || (System.Net.IPAddress.TryParse(host, out var address) && System.Net.IPAddress.IsLoopback(address));

    private static SettingFinding OfMasterKey(IConfiguration settings)
    {
        var isSet = MasterKeySettings.IsGiven(settings);
        try
        {
            MasterKeySettings.Load(settings, isProduction: true);
            return new(MasterKeySettings.FileSetting, "set", Refused: false, "32 bytes.");
        }
        catch (SettingMissingException fault)
        {
            return new(MasterKeySettings.FileSetting, isSet ? "development" : "missing", Refused: true, fault.Message);
        }
    }

    private static SettingFinding OfAdmin(IConfiguration settings) => settings["CRM_ADMIN_PASSWORD"] switch
    {
        null or "" => new("CRM_ADMIN_PASSWORD", "missing", Refused: false, "needed for the first start on an empty database only, where Production prints no password of its own."),
        { Length: < ShortestPassword } => new("CRM_ADMIN_PASSWORD", "weak", Refused: true, $"shorter than {ShortestPassword} characters."),
        _ => new("CRM_ADMIN_PASSWORD", "set", Refused: false, "not needed any more once the admin is there."),
    };

    private static SettingFinding OfOrigins(IConfiguration settings) => CrossOrigin.Origins(settings) switch
    {
        [] => new(CrossOrigin.Setting, "set", Refused: false, "no other site."),
        var origins when origins.Any(static origin => origin.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) =>
            new(CrossOrigin.Setting, "weak", Refused: true, "an origin without TLS is whoever sits on the line."),
        var origins => new(CrossOrigin.Setting, "set", Refused: false, string.Join(", ", origins)),
    };

    private static SettingFinding OfEdge(IConfiguration settings) =>
        settings.Read<EdgeOptions>(EdgeOptions.Section).Faults().ToList() switch
        {
            [] => new(EdgeOptions.Section, "set", Refused: false, "within range."),
            var faults => new(EdgeOptions.Section, "weak", Refused: true, string.Join("; ", faults) + "."),
        };

    private static SettingFinding OfTransport(IConfiguration settings)
    {
        var urls = settings["ASPNETCORE_URLS"] ?? settings["URLS"] ?? "";
        var isTls = urls.Contains("https://", StringComparison.OrdinalIgnoreCase) || settings.GetSection("Kestrel:Certificates").Exists()
            || settings.GetSection("Kestrel:Endpoints").Exists();
        return isTls || settings.GetSection("Crm:Edge:KnownProxies").Exists()
            ? new("ASPNETCORE_URLS", "set", Refused: false, isTls ? "TLS." : "TLS ends at the known proxies.")
            : new("ASPNETCORE_URLS", "weak", Refused: false, "neither TLS (Kestrel:Certificates) nor a known proxy that ends it (Crm:Edge:KnownProxies).");
    }

    private static SettingFinding OfPasswords(IConfiguration settings)
    {
        const string setting = SecurityOptions.Section + ":PasswordRounds";
        return settings.Read<SecurityOptions>(SecurityOptions.Section).PasswordRounds switch
        {
            < LeastRounds => new(setting, "weak", Refused: true, $"fewer than {LeastRounds} rounds: whoever steals the hashes finds the passwords."),
            var rounds => new(setting, "set", Refused: false, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{rounds} rounds.")),
        };
    }

    private static IEnumerable<SettingFinding> OfIssuers(IConfiguration settings)
    {
        var issuers = settings.Read<SecurityOptions>(SecurityOptions.Section).Issuers;
        foreach (var (place, issuer) in issuers.Index())
        {
            var setting = $"{SecurityOptions.Section}:Issuers:{place}";
            yield return issuer switch
            {
                { IsValid: false } => new(setting, "weak", Refused: true, "it needs an https Issuer, an Audience and Roles that are ours."),
                { AllowPrivateNetwork: true } => new(
                    setting, "weak", Refused: false,
                    "AllowPrivateNetwork: its keys may come from this network and without TLS. Whoever can answer there can make anybody an admin."),
                _ => new(setting, "set", Refused: false, issuer.Issuer),
            };
        }
    }

    private static SettingFinding OfRetention(IConfiguration settings)
    {
        try
        {
            return RetentionOptions.Of(settings).Rules switch
            {
                { Fault: { } fault } => new(RetentionOptions.Section, "weak", Refused: false, fault),
                { IsOn: false } => new(RetentionOptions.Section, "set", Refused: false, "no rule: every lead is kept."),
                var rules => new(RetentionOptions.Section, "set", Refused: false, rules.Key + "."),
            };
        }
        catch (SettingMissingException wrong)
        {
            return new(RetentionOptions.Section, "weak", Refused: false, wrong.Message);
        }
    }

    private static SettingFinding OfFile((string Setting, string File) named) =>
        File.Exists(named.File) && (File.GetUnixFileMode(named.File) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != UnixFileMode.None
            ? new(named.Setting, "weak", Refused: false, "every user of this machine may read the file: chmod 600.")
            : new(named.Setting, "set", Refused: false, "only its owner and group may read the file.");
}
