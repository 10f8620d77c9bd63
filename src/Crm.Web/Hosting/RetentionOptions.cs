using System.Globalization;
using Crm.Application.Retention;

namespace Crm.Web.Hosting;

/// <summary>How long leads are kept without activity: <c>Crm:Retention</c>. Both rules are off unless set.</summary>
public sealed record RetentionOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Crm:Retention";

    /// <summary>After how many months without activity a lead is put away; null for never.</summary>
    public int? ArchiveAfterMonths { get; init; }

    /// <summary>After how many months without activity the person behind a lead that was put away is erased; null for never.</summary>
    public int? EraseAfterMonths { get; init; }

    /// <summary>For how many days at least a lead has been put away before the person is erased.</summary>
    public int KeepPutAwayForDays { get; init; } = 30;

    /// <summary>The rules.</summary>
    public RetentionRules Rules => new(ArchiveAfterMonths, EraseAfterMonths, KeepPutAwayForDays);

    /// <summary>Reads the section.</summary>
    /// <exception cref="SettingMissingException">A setting is no whole number, or has a name that no rule has.</exception>
    public static RetentionOptions Of(IConfiguration settings)
    {
        var section = settings.GetSection(Section);
        string[] known = [nameof(ArchiveAfterMonths), nameof(EraseAfterMonths), nameof(KeepPutAwayForDays)];
        if (section.GetChildren().FirstOrDefault(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new SettingMissingException(
                $"{Section}:{unknown.Key} is no setting of retention: those are {string.Join(", ", known)}.");
        }

        return new RetentionOptions
        {
            ArchiveAfterMonths = Number(section, nameof(ArchiveAfterMonths)),
            EraseAfterMonths = Number(section, nameof(EraseAfterMonths)),
            KeepPutAwayForDays = Number(section, nameof(KeepPutAwayForDays)) ?? new RetentionOptions().KeepPutAwayForDays,
        };
    }

    private static int? Number(IConfigurationSection section, string name) => section[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        var text => throw new SettingMissingException($"{Section}:{name} is \"{text}\", which is no whole number."),
    };
}
