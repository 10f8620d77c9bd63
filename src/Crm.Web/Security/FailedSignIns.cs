using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Crm.Domain.Access;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>
/// Writes the facts of failed sign-ins, behind the answer: a failure that is written takes no longer to be told than one that is not.
/// Failures of accounts that do not exist are counted by network and minute, and of those only so many are written in a minute, so that
/// strangers cannot fill the log; what is not written is still counted in <c>/metrics</c>.
/// </summary>
public sealed partial class FailedSignIns : BackgroundService
{
    /// <summary>How many facts of strangers one host writes in a minute at most.</summary>
    public const int MostOfStrangers = 20;

    private const int MostWaiting = 1_000;
    private static readonly TimeSpan minute = TimeSpan.FromMinutes(1);

    private readonly Channel<(AccessEvent Fact, Envelope Envelope)> waiting =
        Channel.CreateBounded<(AccessEvent, Envelope)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    private readonly Lock gate = new();
    private readonly Dictionary<string, int> strangers = new(StringComparer.Ordinal);
    private readonly AccessFacts facts;
    private readonly TimeProvider clock;
    private readonly ILogger<FailedSignIns> logger;
    private readonly Counter<long> failures;
    private readonly Counter<long> unwritten;
    private int written;
    private long sinceMinute;

    /// <summary>Begins to count.</summary>
    public FailedSignIns(AccessFacts facts, TimeProvider clock, IMeterFactory meters, ILogger<FailedSignIns> logger)
    {
        this.facts = facts;
        this.clock = clock;
        this.logger = logger;
        var meter = meters.Create("Crm.Web");
        failures = meter.CreateCounter<long>("crm.sign_in.failures", "{attempt}", "Tries to sign in that failed or had to wait.");
        unwritten = meter.CreateCounter<long>("crm.sign_in.facts_unwritten", "{event}", "Facts of failed sign-ins that were not written.");
    }

    /// <summary>A try that was not even made, because it came too soon.</summary>
    public void HadToWait() => Count("had-to-wait");

    /// <summary>A failure of an account that exists.</summary>
    public void Failed(Guid userId, string? from, SignInFailure why, Envelope envelope)
    {
        Count(WordOf(why));
        Write(new SignInFailed(userId, from, why, 1), envelope);
    }

    /// <summary>A failure of an account that does not exist; its name is not kept, people type passwords there.</summary>
    public void Stranger(string? network)
    {
        Count(WordOf(SignInFailure.UnknownAccount));
        var key = network ?? "";
        lock (gate)
        {
            if (strangers.TryGetValue(key, out var times))
            {
                strangers[key] = times + 1;
            }
            else if (IsWithinBudget())
            {
                strangers.Add(key, 1);
            }
            else
            {
                unwritten.Add(1);
            }
        }
    }

    /// <summary>A wait began.</summary>
    public void Delayed(Guid? userId, string? network, StartedDelay delay, Envelope envelope)
    {
        if (delay.OfAddress || userId is null)
        {
            lock (gate)
            {
                if (!IsWithinBudget())
                {
                    unwritten.Add(1);
                    return;
                }
            }
        }

        Write(
            new SignInDelayed(delay.OfAddress ? null : userId, delay.OfAddress ? network : null, delay.Until, delay.Failures), envelope);
    }

    /// <summary>Hands the strangers' failures of the last minute to the writer.</summary>
    public void EndMinute()
    {
        lock (gate)
        {
            foreach (var (network, times) in strangers)
            {
                Write(new SignInFailed(null, network.Length > 0 ? network : null, SignInFailure.UnknownAccount, times), Envelope.System);
            }

            strangers.Clear();
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        EndMinute();
        waiting.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WriteAll(), EndMinutes(stoppingToken));

    private static string WordOf(SignInFailure why) => why switch
    {
        SignInFailure.WrongPassword => "wrong-password",
        SignInFailure.WrongCode => "wrong-code",
        SignInFailure.Inactive => "inactive",
        SignInFailure.UnknownAccount => "unknown-account",
    };

    // Until the host has stopped: what was counted before is written.
    private async Task WriteAll()
    {
        await foreach (var (fact, envelope) in waiting.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await facts.Record(fact, envelope, CancellationToken.None);
            }
            catch (Exception fault)
            {
                unwritten.Add(1);
                LogUnwritten(fault.Message);
            }
        }
    }

    private async Task EndMinutes(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(minute, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                EndMinute();
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private bool IsWithinBudget()
    {
        var now = clock.GetUtcNow().Ticks / minute.Ticks;
        if (now != sinceMinute)
        {
            (sinceMinute, written) = (now, 0);
        }

        return ++written <= MostOfStrangers;
    }

    private void Count(string why) => failures.Add(1, new KeyValuePair<string, object?>("why", why));

    private void Write(AccessEvent fact, Envelope envelope)
    {
        if (!waiting.Writer.TryWrite((fact, envelope)))
        {
            unwritten.Add(1);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A failed sign-in could not be written to the log of events: {Reason}")]
    private partial void LogUnwritten(string reason);
}
