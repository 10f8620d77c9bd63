using Crm.Domain;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>An amount in a currency, on the wire: <c>{"amount": 1234.50, "currency": "EUR"}</c>.</summary>
public sealed record MoneyBody(decimal? Amount = null, string? Currency = null)
{
    /// <summary>The amount as the domain knows it; null for none.</summary>
    public static Money? ToMoney(MoneyBody? body) => body is { Amount: { } amount, Currency: { } currency } ? new Money(amount, currency) : null;

    /// <summary>An amount on the wire; null for none.</summary>
    public static MoneyBody? Of(Money? money) => money is null ? null : new MoneyBody(money.Amount, money.Currency);
}

/// <summary>Both parts of an amount must be there; whether they make sense is the domain's to say.</summary>
public sealed class MoneyBodyValidator : AbstractValidator<MoneyBody>
{
    /// <summary>The checks.</summary>
    public MoneyBodyValidator()
    {
        RuleFor(money => money.Amount).NotNull().WithErrorCode("required").WithMessage("is required.");
        RuleFor(money => money.Currency).NotNull().WithErrorCode("required").WithMessage("is required.");
    }
}
