using System.Text;
using Crm.Domain.Users;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security;

public sealed class Access_tokens : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly AccessToken Ada = new(
        new Guid("00000000-0000-7000-8000-000000000001"),
        new Guid("00000000-0000-7000-8000-000000000002"),
        "Ada \"Lovelace\" \u00e9",
        Role.Manager,
        new Guid("00000000-0000-7000-8000-000000000003"),
        new Guid("00000000-0000-7000-8000-000000000004"),
        Noon,
        Noon,
        Noon.AddMinutes(15));

    private readonly SigningKey key = SigningKey.Create();

    [Fact]
    public void say_who_signed_in() => Assert.Equal(Ada, ReadAt(Noon, At(Noon).Write(Ada, key)));

    [Fact]
    public void end_at_the_second_that_they_name()
    {
        var token = At(Noon).Write(Ada, key);
        Assert.NotNull(ReadAt(Ada.ExpiresAt.AddMilliseconds(-1), token));
        Assert.Null(ReadAt(Ada.ExpiresAt, token));
    }

    [Fact]
    public void do_not_count_before_their_time_but_for_the_clocks_difference()
    {
        var token = At(Noon).Write(Ada, key);
        Assert.NotNull(ReadAt(Noon - JwtTokens.ClockSkew, token));
        Assert.Null(ReadAt(Noon - JwtTokens.ClockSkew - TimeSpan.FromMilliseconds(1), token));
    }

    [Theory]
    [InlineData("other", "crm-api")]
    [InlineData("crm", "other")]
    [InlineData("CRM", "crm-api")]
    public void count_for_their_issuer_and_audience_only(string issuer, string audience)
    {
        var foreign = new JwtTokens(new SecurityOptions { Issuer = issuer, Audience = audience }, new StoppedClock(Noon));
        Assert.Null(ReadAt(Noon, foreign.Write(Ada, key)));
    }

    [Theory]
    [InlineData("\"exp\":", "\"exp\":1,\"exp\":")]
    [InlineData("\"exp\":", "\"expires\":")]
    [InlineData("\"exp\":", "\"exp\":1e99,\"x\":")]
    [InlineData("\"exp\":", "\"exp\":9223372036854775807,\"x\":")]
    [InlineData("\"exp\":", "\"exp\":\"2026-11-20\",\"x\":")]
    [InlineData("\"aud\":\"crm-api\"", "\"aud\":[\"crm-api\"]")]
    [InlineData("\"role\":\"manager\"", "\"role\":\"root\"")]
    [InlineData("\"role\":\"manager\"", "\"role\":\"Admin\"")]
    [InlineData("\"role\":\"manager\"", "\"role\":2")]
    [InlineData("\"sub\":\"0", "\"sub\":\"x")]
    [InlineData("\"name\":", "\"name\":null,\"x\":")]
    [InlineData("{", "[")]
    [InlineData("{", "{{")]
    public void with_other_claims_are_not_ours_though_our_key_signed_them(string written, string instead)
    {
        var claims = Encoding.UTF8.GetString(Ada.ToJson("crm", "crm-api"));
        Assert.Contains(written, claims, StringComparison.Ordinal);
        var token = CompactJws.Write(Encoding.UTF8.GetBytes(claims.Replace(written, instead, StringComparison.Ordinal)), key);
        Assert.Null(ReadAt(Noon, token));
    }

    public void Dispose() => key.Dispose();

    private static JwtTokens At(DateTimeOffset now) => new(new SecurityOptions(), new StoppedClock(now));

    private AccessToken? ReadAt(DateTimeOffset now, string token) => At(now).Read(token, _ => key);

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
