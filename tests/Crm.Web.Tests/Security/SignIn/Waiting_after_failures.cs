using System.Globalization;
using System.Net;
using Crm.Testing;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class Waiting_after_failures(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static int others;

    private readonly MovableClock clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private SignInDelays Host => new(database.App, clock);

    [Fact]
    public async Task doubles_from_the_fifth_failure_to_a_quarter_of_an_hour()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        var waits = new List<double>();
        for (var failure = 1; failure <= 17; failure++)
        {
            Assert.Null(await Host.Begin(attempt, Ct));
            var wait = await Host.Begin(attempt, Ct) ?? TimeSpan.Zero;
            if (failure < 5)
            {
                // The second try of the round was counted too: take it back.
                Assert.Equal(TimeSpan.Zero, wait);
                await Host.GiveBack(attempt, Ct);
                continue;
            }

            waits.Add(Math.Ceiling(wait.TotalSeconds));
            clock.Move(wait + TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900], waits);
    }

    [Fact]
    public async Task counts_nothing_while_it_lasts_so_that_it_cannot_be_drawn_out()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        await Fail(attempt, 5);
        for (var more = 0; more < 10; more++)
        {
            Assert.NotNull(await Host.Begin(attempt, Ct));
        }

        clock.Move(TimeSpan.FromSeconds(1.1));
        Assert.Null(await Host.Begin(attempt, Ct));
    }

    [Fact]
    public async Task is_the_same_on_every_host_and_not_to_be_outrun()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        var hosts = new[] { Host, Host, Host };
        var tries = await Task.WhenAll(Enumerable.Range(0, 40).Select(at => hosts[at % 3].Begin(attempt, Ct)));
        Assert.Equal(5, tries.Count(wait => wait is null));
    }

    [Fact]
    public async Task ends_by_a_success()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        await Fail(attempt, 4);
        Assert.Null(await Host.Begin(attempt, Ct));
        await Host.Succeeded(attempt, Ct);
        await Fail(attempt, 5);
        Assert.NotNull(await Host.Begin(attempt, Ct));
    }

    [Fact]
    public async Task is_of_an_address_after_twenty_failures_over_accounts()
    {
        var address = Address();
        for (var tried = 0; tried < 20; tried++)
        {
            Assert.Null(await Host.Begin(SignInAttempt.Of(Account(), address), Ct));
        }

        Assert.NotNull(await Host.Begin(SignInAttempt.Of(Account(), address), Ct));
        Assert.Null(await Host.Begin(SignInAttempt.Of(Account(), Address()), Ct));
    }

    [Fact]
    public async Task cannot_be_shirked_within_one_IPv6_network()
    {
        var account = Account();
        for (var host = 1; host <= 5; host++)
        {
            var from = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"2001:db8:7:7::{host:x}"));
            Assert.Null(await Host.Begin(SignInAttempt.Of(account, from), Ct));
        }

        Assert.NotNull(await Host.Begin(SignInAttempt.Of(account, IPAddress.Parse("2001:db8:7:7:ffff::1")), Ct));
        Assert.Null(await Host.Begin(SignInAttempt.Of(account, IPAddress.Parse("2001:db8:7:8::1")), Ct));
        Assert.Equal(SignInAttempt.NetworkOf(IPAddress.Parse("192.0.2.7")), SignInAttempt.NetworkOf(IPAddress.Parse("::ffff:192.0.2.7")));
    }

    [Fact]
    public async Task is_never_long_for_an_account_that_many_addresses_try_and_none_where_its_owner_is_known()
    {
        var account = Account();
        var home = SignInAttempt.Of(account, Address());
        Assert.Null(await Host.Begin(home, Ct));
        await Host.Succeeded(home, Ct);

        var longest = TimeSpan.Zero;
        for (var stranger = 0; stranger < 80; stranger++)
        {
            var attempt = SignInAttempt.Of(account, Address());
            while (await Host.Begin(attempt, Ct) is { } wait)
            {
                longest = wait > longest ? wait : longest;
                Assert.Null(await Host.Begin(home, Ct));
                await Host.GiveBack(home, Ct);
                clock.Move(wait + TimeSpan.FromMilliseconds(1));
            }
        }

        Assert.InRange(longest, TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task is_forgotten_after_a_quiet_hour()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        await Fail(attempt, 4);
        clock.Move(TimeSpan.FromMinutes(61));
        await Fail(attempt, 4);
        clock.Move(TimeSpan.FromMinutes(61));
        Assert.True(await Host.Prune(Ct) > 0);
    }

    [Fact]
    public async Task ends_for_an_account_when_it_is_cleared_and_for_no_other()
    {
        var account = Account();
        var attempt = SignInAttempt.Of(account, Address());
        var other = SignInAttempt.Of(Account(), Address());
        await Fail(attempt, 5);
        await Fail(other, 5);
        await Host.Clear(account.ToUpperInvariant(), Ct);
        Assert.Null(await Host.Begin(attempt, Ct));
        Assert.NotNull(await Host.Begin(other, Ct));
    }

    [Fact]
    public async Task is_told_once_when_it_begins()
    {
        var attempt = SignInAttempt.Of(Account(), Address());
        await Fail(attempt, 4);
        Assert.Empty(await Host.StartedBy(attempt, Ct));
        await Fail(attempt, 1);
        var started = Assert.Single(await Host.StartedBy(attempt, Ct));
        Assert.Equal((false, 5), (started.OfAddress, started.Failures));
        clock.Move(TimeSpan.FromSeconds(1.1));
        await Fail(attempt, 1);
        Assert.Empty(await Host.StartedBy(attempt, Ct));
    }

    [Fact]
    public async Task does_not_deadlock_when_accounts_and_addresses_cross()
    {
        var accounts = Enumerable.Range(0, 4).Select(_ => Account()).ToList();
        var addresses = Enumerable.Range(0, 4).Select(_ => Address()).ToList();
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Ct }, async (at, ct) =>
        {
            var attempt = SignInAttempt.Of(accounts[at % 4], addresses[at / 4 % 4]);
            if (await Host.Begin(attempt, ct) is null)
            {
                await (at % 3 == 0 ? Host.Succeeded(attempt, ct) : Host.GiveBack(attempt, ct));
            }
        });
    }

    private static string Account() => $"somebody-{Guid.NewGuid():N}@example.com";

    private static IPAddress Address()
    {
        var number = Interlocked.Increment(ref others);
        return new IPAddress([10, 1, (byte)(number >> 8), (byte)number]);
    }

    private async Task Fail(SignInAttempt attempt, int times)
    {
        for (var failure = 0; failure < times; failure++)
        {
            Assert.Null(await Host.Begin(attempt, Ct));
        }
    }
}
