using System.Net.Sockets;
using Crm.EventStore.Log;
using Crm.Web.Hosting;
using Npgsql;
using Polly.CircuitBreaker;

namespace Crm.Web.Tests.Edge;

public class The_database_guard
{
    private readonly MovableClock clock = new();

    private static NpgsqlException Lost => new("Exception while connecting", new SocketException(111));

    [Fact]
    public async Task tries_a_lost_read_twice_more_and_a_command_never()
    {
        var guard = new DatabaseGuard(clock);
        Assert.Equal(3, await Tries(guard, "GET", Lost));
        Assert.Equal(1, await Tries(guard, "POST", Lost));
        Assert.Equal(1, await Tries(guard, "GET", new InvalidOperationException("a bug")));
    }

    [Fact]
    public async Task opens_when_half_are_lost_probes_and_closes()
    {
        var guard = new DatabaseGuard(clock);
        for (var request = 0; request < 10; request++)
        {
            await Tries(guard, "POST", Lost);
        }

        Assert.True(guard.IsOpen);
        await Assert.ThrowsAsync<BrokenCircuitException>(() => guard.Run(Request("POST"), static _ => Task.CompletedTask));
        clock.Move(TimeSpan.FromSeconds(1.1));
        Assert.Equal(1, await Tries(guard, "POST", Lost)); // the probe
        Assert.True(guard.IsOpen);
        clock.Move(TimeSpan.FromSeconds(4.1));
        await guard.Run(Request("POST"), static _ => Task.CompletedTask);
        Assert.False(guard.IsOpen);
    }

    [Fact]
    public async Task does_not_count_what_is_slow_busy_or_unwilling()
    {
        Exception[] others =
        [
            new NpgsqlException("The connection pool has been exhausted", new TimeoutException()),
            new NpgsqlException("Exception while reading from stream", new TimeoutException()),
            new PostgresException("canceling statement", "ERROR", "ERROR", PostgresErrorCodes.QueryCanceled),
            new LogUnavailableException("Another transaction holds the stream."),
            new TimeoutException(),
        ];
        foreach (var other in others)
        {
            var guard = new DatabaseGuard(clock);
            for (var request = 0; request < 20; request++)
            {
                await Tries(guard, "POST", other);
            }

            Assert.False(guard.IsOpen, other.Message);
        }
    }

    private static DefaultHttpContext Request(string method) => new() { Request = { Method = method } };

    private static async Task<int> Tries(DatabaseGuard guard, string method, Exception fault)
    {
        var tries = 0;
        var seen = await Record.ExceptionAsync(() => guard.Run(Request(method), _ =>
        {
            tries++;
            return Task.FromException(fault);
        }));
        Assert.Same(fault, seen);
        return tries;
    }
}
