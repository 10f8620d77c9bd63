using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>Which passwords a user may choose: long enough, not so long that hashing them is a burden,
/// and not one of those that are guessed first. What they are made of is the user's own affair.</summary>
public static class PasswordRule
{
    /// <summary>The fewest characters (Unicode code points).</summary>
    public const int MinCharacters = 12;

    /// <summary>The most characters (Unicode code points).</summary>
    public const int MaxCharacters = 128;

    /// <summary>The code of a password that is guessed first.</summary>
    public const string TooCommon = "too-common";

    /// <summary>A password that may be chosen.</summary>
    public static IRuleBuilderOptions<T, string?> Password<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(IsLongEnough)
        .WithErrorCode("too-short")
        .WithMessage($"has fewer than {MinCharacters} characters.")
        .AtMost(MaxCharacters)
        .Must(static password => password is null || !IsLongEnough(password) || IsTooLong(password) || !CommonPasswords.Contain(password))
        .WithErrorCode(TooCommon)
        .WithMessage("is among the passwords that are guessed first.");

    /// <summary>A password that is more than the user's own name or address.</summary>
    /// <param name="rule">The rule so far.</param>
    /// <param name="own">The name and the address.</param>
    public static IRuleBuilderOptions<T, string?> NotOwn<T>(
        this IRuleBuilder<T, string?> rule, Func<T, (string? Name, string? Email)> own) =>
        rule.Must((request, password) => password is null || IsTooLong(password) || !IsOwn(password, own(request)))
            .WithErrorCode(TooCommon)
            .WithMessage("is little more than the user's own name or address.");

    /// <summary>What a user is told whose password is little more than their own name or address.</summary>
    public static Problem IsTheirOwn(string pointer) => Problem.Invalid(
        new FieldError(pointer, TooCommon, "is little more than the user's own name or address."));

    /// <summary>Whether a password may be chosen, whoever chooses it.</summary>
    public static bool Permits(string password) => IsLongEnough(password) && !IsTooLong(password) && !CommonPasswords.Contain(password);

    private static bool IsOwn(string password, (string? Name, string? Email) own) => CommonPasswords.IsOwn(password, own.Name, own.Email);

    // Counting stops where the answer is known: a body may be large.
    private static bool IsTooLong(string password) =>
        password.Length > MaxCharacters * 2 || password.EnumerateRunes().Count() > MaxCharacters;

    private static bool IsLongEnough(string? password) => password is not null && password.EnumerateRunes().Count() >= MinCharacters;
}
