namespace Crm.Domain.Tests;

public class Money_amounts
{
    [Theory]
    [InlineData("0")]
    [InlineData("1234.50")]
    [InlineData("0.0001")]
    [InlineData("1.00000000")]
    [InlineData("1000000000000")]
    public void are_accepted(string amount) => Assert.True(Money.IsAmount(decimal.Parse(amount, null)));

    [Theory]
    [InlineData("-0.0001")]
    [InlineData("0.00001")]
    [InlineData("1000000000000.0001")]
    public void are_refused(string amount) => Assert.False(Money.IsAmount(decimal.Parse(amount, null)));

    [Theory]
    [InlineData("EUR", true)]
    [InlineData("eur", false)]
    [InlineData("EU", false)]
    [InlineData("EURO", false)]
    [InlineData("ÉUR", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void stand_in_a_currency_of_three_capitals(string? currency, bool isOne) => Assert.Equal(isOne, Money.IsCurrency(currency));
}
