using System.Text;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.SignIn;

public class One_time_passwords
{
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_111_111_109);

    // RFC 6238, appendix B.
    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void are_those_of_the_standard(long seconds, string code)
    {
        var step = Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds));
        Assert.Equal(code, Totp.Code(Secret, step, digits: 8));
        Assert.Equal(code[2..], Totp.Code(Secret, step));
    }

    // RFC 4226, appendix D.
    [Fact]
    public void are_those_of_the_standard_by_counter()
    {
        string[] expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        Assert.Equal(expected, Enumerable.Range(0, 10).Select(counter => Totp.Code(Secret, counter)));
    }

    [Theory]
    [InlineData(-2, false)]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void are_taken_in_their_step_and_its_neighbours(int away, bool taken)
    {
        var step = Totp.StepAt(Now) + away;
        Assert.Equal(taken ? step : null, Totp.StepOf(Totp.Code(Secret, step), Secret, Now, lastStep: 0));
    }

    [Fact]
    public void are_not_taken_again_nor_an_older_one_after_a_newer()
    {
        var step = Totp.StepAt(Now);
        Assert.Null(Totp.StepOf(Totp.Code(Secret, step), Secret, Now, lastStep: step));
        Assert.Null(Totp.StepOf(Totp.Code(Secret, step - 1), Secret, Now, lastStep: step));
        Assert.Equal(step + 1, Totp.StepOf(Totp.Code(Secret, step + 1), Secret, Now, lastStep: step));
    }

    [Theory]
    [InlineData("")]
    [InlineData("08180")]
    [InlineData("0081804")]
    [InlineData(" 081804")]
    [InlineData("０８１８０４")]
    [InlineData("-81804")]
    public void are_six_digits_and_nothing_else(string code) => Assert.Null(Totp.StepOf(code, Secret, Now, lastStep: 0));

    // RFC 4648, section 10, without padding.
    [Theory]
    [InlineData("", "")]
    [InlineData("f", "MY")]
    [InlineData("fo", "MZXQ")]
    [InlineData("foo", "MZXW6")]
    [InlineData("foob", "MZXW6YQ")]
    [InlineData("fooba", "MZXW6YTB")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void have_a_secret_that_people_can_type(string bytes, string text) =>
        Assert.Equal(text, Totp.Base32(Encoding.ASCII.GetBytes(bytes)));

    [Fact]
    public void have_an_address_that_apps_read()
    {
        var uri = new Uri(Totp.Uri("Our CRM", "a+b@example.com", Secret));
        Assert.Equal("otpauth", uri.Scheme);
        Assert.Equal("totp", uri.Host);
        Assert.Equal("/Our%20CRM:a%2Bb%40example.com", uri.AbsolutePath);
        Assert.Contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&", uri.Query, StringComparison.Ordinal);
        Assert.EndsWith("&digits=6&period=30", uri.Query, StringComparison.Ordinal);
    }
}
