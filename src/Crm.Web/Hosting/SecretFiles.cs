namespace Crm.Web.Hosting;

/// <summary>
/// Secrets that come in files: one file for each setting in <c>/run/secrets</c> and in <c>CRM_SECRETS_DIR</c> (<c>__</c> in the name for
/// a colon), and any setting of ours whose variable ends in <c>_FILE</c>. Files go before the environment, the environment before
/// <c>appsettings.json</c>.
/// </summary>
internal static class SecretFiles
{
    /// <summary>The setting that names a folder with a file for each secret.</summary>
    public const string FolderSetting = "CRM_SECRETS_DIR";

    private const string Mounted = "/run/secrets";
    private const string Suffix = "_FILE";
    private static readonly string[] ours = ["CRM_", "ConnectionStrings__", "Crm__"];

    /// <summary>Adds what the files hold.</summary>
    /// <exception cref="SettingMissingException">A file or folder that the settings name cannot be read.</exception>
    public static void AddSecretFiles(this IConfigurationManager settings) => Add(settings, settings[FolderSetting]);

    /// <summary>The settings of a verb: the file of settings, the environment, and the secrets' files.</summary>
    public static IConfigurationRoot ForVerbs()
    {
        var settings = new ConfigurationBuilder()
            .SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables();
        Add(settings, Environment.GetEnvironmentVariable(FolderSetting));
        return settings.Build();
    }

    /// <summary>The files that hold secrets, with the setting that names each; for looking at who may read them.</summary>
    public static IEnumerable<(string Setting, string File)> Named() =>
        from variable in Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
        let name = (string)variable.Key
        where name.EndsWith(Suffix, StringComparison.Ordinal) && ours.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))
        where variable.Value is string { Length: > 0 }
        select (name, (string?)variable.Value ?? "");

    private static void Add(IConfigurationBuilder settings, string? folder)
    {
        settings.AddKeyPerFile(Mounted, optional: true);
        if (folder is { Length: > 0 })
        {
            if (!Directory.Exists(folder))
            {
                throw new SettingMissingException($"{FolderSetting} names {folder}, which is not there.");
            }

            settings.AddKeyPerFile(Path.GetFullPath(folder), optional: false);
        }

        // The master key reads its file itself: the file says who made it.
        settings.AddInMemoryCollection(Named().Where(named => named.Setting != Security.MasterKeySettings.FileSetting).Select(named => KeyValuePair.Create(
            named.Setting[..^Suffix.Length].Replace("__", ":", StringComparison.Ordinal), (string?)Read(named.Setting, named.File))));
    }

    private static string Read(string setting, string file)
    {
        try
        {
            return File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new SettingMissingException($"{setting} names {file}, which cannot be read.");
        }
    }
}
