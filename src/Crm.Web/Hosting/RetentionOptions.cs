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

    /// <summary>The rules.</summary>
    public RetentionRules Rules => new(ArchiveAfterMonths, EraseAfterMonths);
}
