namespace Crm.Domain.Tests;

public class Email_addresses
{
    [Theory]
    [InlineData("ada@example.com")]
    [InlineData("a@b")]
    [InlineData("ada.byron@example.co.uk")]
    [InlineData("ada+crm@example.com")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.com")]
    [InlineData("123@example.com")]
    [InlineData("ada@123.example")]
    [InlineData("ada@xn--exmple-cua.com")]
    [InlineData("\"ada byron\"@example.com")]
    [InlineData("\"ada@home\"@example.com")]
    [InlineData("\"ada\\\"byron\"@example.com")]
    [InlineData("\"ada©\"@example.com")]
    [InlineData("\"\"@example.com")]
    [InlineData("ada@[192.0.2.255]")]
    [InlineData("ada@[IPv6:2001:db8::1]")]
    [InlineData("ädä@exämple.com")]
    [InlineData("用户@例子.广告")]
    [InlineData("a@a-b.c")]
    public void are_accepted(string address) => Assert.True(EmailAddress.IsValid(address));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ada")]
    [InlineData("@")]
    [InlineData("@example.com")]
    [InlineData("ada@")]
    [InlineData("ada@@example.com")]
    [InlineData("ada@home@example.com")]
    [InlineData(".ada@example.com")]
    [InlineData("ada.@example.com")]
    [InlineData("ada..byron@example.com")]
    [InlineData("ada byron@example.com")]
    [InlineData("ada@example..com")]
    [InlineData("ada@.example.com")]
    [InlineData("ada@example.com.")]
    [InlineData("ada@-example.com")]
    [InlineData("ada@example-.com")]
    [InlineData("ada@exa_mple.com")]
    [InlineData("ada@exam ple.com")]
    [InlineData("ada(comment)@example.com")]
    [InlineData("ada@(comment)example.com")]
    [InlineData("Ada <ada@example.com>")]
    [InlineData(" ada@example.com")]
    [InlineData("ada@example.com ")]
    [InlineData("ada@example.com\n")]
    [InlineData("ada\u0000@example.com")]
    [InlineData("\"ada@example.com")]
    [InlineData("\"ada\"byron@example.com")]
    [InlineData("\"ada\"byron\"@example.com")]
    [InlineData("\"ada\\\"@example.com")]
    [InlineData("\"ada\\©\"@example.com")]
    [InlineData("ada@[256.0.2.1]")]
    [InlineData("ada@[192.0.2]")]
    [InlineData("ada@[192.0.2.1")]
    [InlineData("ada@[IPv6:2001:db8::1::2]")]
    [InlineData("ada@[IPv6:fe80::1%eth0]")]
    [InlineData("ada@\u2003example.com")]
    public void are_refused(string? address) => Assert.False(EmailAddress.IsValid(address));

    [Fact]
    public void hold_no_half_of_a_character() => Assert.False(EmailAddress.IsValid("a\uD800@example.com"));

    [Fact]
    public void have_at_most_64_octets_before_the_at()
    {
        Assert.True(EmailAddress.IsValid(new string('a', 64) + "@example.com"));
        Assert.False(EmailAddress.IsValid(new string('a', 65) + "@example.com"));
        Assert.False(EmailAddress.IsValid(new string('ä', 33) + "@example.com"));
    }

    [Fact]
    public void have_labels_of_at_most_63_octets()
    {
        Assert.True(EmailAddress.IsValid("ada@" + new string('a', 63) + ".com"));
        Assert.False(EmailAddress.IsValid("ada@" + new string('a', 64) + ".com"));
    }

    [Fact]
    public void have_at_most_254_octets_in_all()
    {
        var label = new string('a', 61) + ".";
        Assert.True(EmailAddress.IsValid("ada@" + label + label + label + label + "bc"));
        Assert.False(EmailAddress.IsValid("ada@" + label + label + label + label + "bcd"));
    }
}
