namespace Crm.Domain;

/// <summary>An amount in a currency.</summary>
/// <param name="Amount">The amount in the currency's main unit; not negative, at most four decimals.</param>
/// <param name="Currency">The currency's ISO 4217 code, three capital letters.</param>
public sealed record Money(decimal Amount, string Currency);
