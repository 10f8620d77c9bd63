using Crm.Web.Security;

namespace Crm.Web.Tests.Security.SignIn;

public class Choosing_a_password
{
    [Theory]
    [InlineData("password1234")]
    [InlineData("Password2024!")]
    [InlineData("P@ssw0rd1234")]
    [InlineData("passwordpassword")]
    [InlineData("ｐａｓｓｗｏｒｄ１２３４")]
    [InlineData("iloveyou1234")]
    [InlineData("I love you 123")]
    [InlineData("Christopher1")]
    [InlineData("chocolate1999")]
    [InlineData("qwertyuiop12")]
    [InlineData("1q2w3e4r5t6y")]
    [InlineData("1qaz2wsx3edc")]
    [InlineData("123456789012")]
    [InlineData("987654321098")]
    [InlineData("abcdefghijkl")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("ababababababab")]
    [InlineData("xk4xk4xk4xk4")]
    [InlineData("            ")]
    [InlineData("correct horse battery staple")]
    public void of_the_common_ones_is_refused(string password)
    {
        Assert.True(CommonPasswords.Contain(password));
        Assert.False(PasswordRule.Permits(password));
    }

    [Theory]
    [InlineData("seven owls on one ladder")]
    [InlineData("nbxqvhdtkwrm")]
    [InlineData("73918-20461-85530")]
    [InlineData("пять сов на лестнице")]
    [InlineData("password of the tortoise")]
    [InlineData("🦉🪜🌊🧭🎻🪵🦔🍏🧵🪨🐌🎈")]
    [InlineData("y8Qd-zr2L_m0tVk5")]
    public void of_any_other_kind_is_permitted_whatever_it_is_made_of(string password)
    {
        Assert.False(CommonPasswords.Contain(password));
        Assert.True(PasswordRule.Permits(password));
    }

    [Theory]
    [InlineData("lovelace1815", true)]
    [InlineData("ADA.LOVELACE", true)]
    [InlineData("lovelace@example.com", true)]
    [InlineData("lovelacelovelace", true)]
    [InlineData("the engine of lovelace", false)]
    [InlineData("seven owls on one ladder", false)]
    public void that_is_little_more_than_the_own_name_or_address_is_refused(string password, bool refused) =>
        Assert.Equal(refused, CommonPasswords.IsOwn(password, "Ada Lovelace", "lovelace@example.com"));

    [Theory]
    [InlineData(11, false)]
    [InlineData(12, true)]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void counts_characters_not_bytes(int characters, bool permitted)
    {
        // Owls and their like: four bytes and two UTF-16 units each.
        var password = string.Concat(Enumerable.Range(0, characters).Select(at => char.ConvertFromUtf32(0x1F980 + (at * 7 % 60))));
        Assert.Equal(permitted, PasswordRule.Permits(password));
    }

    [Theory]
    [InlineData("\ud83e")]
    [InlineData("")]
    public void of_half_a_character_or_none_is_no_fault(string password) => Assert.False(PasswordRule.Permits(password));
}
