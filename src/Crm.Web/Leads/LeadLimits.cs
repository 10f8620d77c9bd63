using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>How long a lead's texts may be, in characters.</summary>
public static class LeadLimits
{
    /// <summary>First and last name, and the names of customers and opportunities.</summary>
    public const int Name = 200;

    /// <summary>E-mail address.</summary>
    public const int Email = 254;

    /// <summary>Telephone number.</summary>
    public const int Phone = 50;

    /// <summary>Company.</summary>
    public const int Company = 200;

    /// <summary>Source.</summary>
    public const int Source = 100;

    /// <summary>Identifier in another system.</summary>
    public const int ExternalId = 200;

    /// <summary>Notes.</summary>
    public const int Text = 10_000;

    /// <summary>Reasons and outcomes.</summary>
    public const int Reason = 1_000;

    /// <summary>A list of tags without nulls; their number and length are the domain's to judge.</summary>
    public static void TagsOnly<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule) => rule
        .Must(tags => tags is null || tags.All(tag => tag is not null))
        .WithErrorCode("required")
        .WithMessage("holds a null; a tag is text.");
}
