using FluentValidation;

namespace Crm.Web.Http;

/// <summary>Checks of a field's shape, with the codes that clients see. Lengths count characters (Unicode code points).</summary>
public static class FieldRules
{
    /// <summary>Text of at most so many characters.</summary>
    public static IRuleBuilderOptions<T, string?> AtMost<T>(this IRuleBuilder<T, string?> rule, int characters) => rule
        .Must(text => Fits(text, characters))
        .WithErrorCode("too-long")
        .WithMessage($"is longer than {characters} characters.");

    /// <summary>Text that must be there and must not be blank.</summary>
    public static IRuleBuilderOptions<T, string?> Present<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => !string.IsNullOrWhiteSpace(text))
        .WithErrorCode("required")
        .WithMessage("is required.");

    /// <summary>A value that must be there.</summary>
    public static IRuleBuilderOptions<T, TValue?> Required<T, TValue>(this IRuleBuilder<T, TValue?> rule)
        where TValue : struct => rule
        .Must(value => value is not null)
        .WithErrorCode("required")
        .WithMessage("is required.");

    private static bool Fits(string? text, int characters) =>
        text is null || text.Length <= characters || (text.Length <= characters * 2 && text.EnumerateRunes().Count() <= characters);
}
