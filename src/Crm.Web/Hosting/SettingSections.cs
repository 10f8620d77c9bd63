namespace Crm.Web.Hosting;

/// <summary>Reads sections of the settings.</summary>
internal static class SettingSections
{
    /// <summary>A section as its options have it; with their own values where it is not set.</summary>
    /// <exception cref="SettingMissingException">A value does not fit; it is named.</exception>
    public static T Read<T>(this IConfiguration settings, string section)
        where T : class, new()
    {
        try
        {
            return settings.GetSection(section).Get<T>() ?? new T();
        }
        catch (InvalidOperationException unfit)
        {
            // The binder names the setting and the type that it ought to be of.
            throw new SettingMissingException($"The settings of {section} cannot be read. {unfit.Message}");
        }
    }
}
