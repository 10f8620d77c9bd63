namespace Crm.Domain;

/// <summary>An amount in a currency.</summary>
/// <param name="Amount">The amount in the currency's main unit; not negative, at most four decimals.</param>
/// <param name="Currency">The currency's ISO 4217 code, three capital letters.</param>
public sealed record Money(decimal Amount, string Currency)
{
    /// <summary>The greatest amount: a million millions, above which a typing error is likelier than a deal.</summary>
    public const decimal MaxAmount = 1_000_000_000_000m;

    /// <summary>Whether an amount may stand: 0 to <see cref="MaxAmount"/>, at most four decimals.</summary>
    public static bool IsAmount(decimal amount) => amount is >= 0 and <= MaxAmount && decimal.Round(amount, 4) == amount;

    /// <summary>Whether a text has the form of a currency code: three capital letters.</summary>
    public static bool IsCurrency(string? currency) => currency is [>= 'A' and <= 'Z', >= 'A' and <= 'Z', >= 'A' and <= 'Z'];
}
