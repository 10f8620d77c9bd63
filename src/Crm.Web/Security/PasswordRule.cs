using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>Which passwords a user may choose: long enough, and not so long that hashing them is a burden.</summary>
public static class PasswordRule
{
    /// <summary>The fewest characters (Unicode code points).</summary>
    public const int MinCharacters = 12;

    /// <summary>The most characters (Unicode code points).</summary>
    public const int MaxCharacters = 128;

    /// <summary>A password that may be chosen.</summary>
    public static IRuleBuilderOptions<T, string?> Password<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(IsLongEnough)
        .WithErrorCode("too-short")
        .WithMessage($"has fewer than {MinCharacters} characters.")
        .AtMost(MaxCharacters);

    /// <summary>Whether a password may be chosen.</summary>
    public static bool Permits(string password) =>
        IsLongEnough(password) && password.EnumerateRunes().Count() <= MaxCharacters;

    private static bool IsLongEnough(string? password) => password is not null && password.EnumerateRunes().Count() >= MinCharacters;
}
