using System.Diagnostics;
using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Web.Audit;

/// <summary>
/// Keeps the audit tree up with the log and has it signed: on whichever host is at it, as all try. A fault stops neither commands nor
/// projections; it is logged, told by <c>/health</c>, and tried again.
/// </summary>
public sealed partial class AuditFollower(
    AuditTree tree, AuditSigning signing, LogPosition position, AuditOptions options, TimeProvider clock, ILogger<AuditFollower> logger)
    : BackgroundService
{
    private static readonly TimeSpan idleLook = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan afterFault = TimeSpan.FromSeconds(5);

    /// <summary>Why the tree stands still on this host; null while it does not.</summary>
    public string? Fault { get; private set; }

    /// <summary>Takes all that the log holds by now into the tree, and signs it. Null while the log is empty.</summary>
    /// <exception cref="TimeoutException">Another host is at it and does not come to an end.</exception>
    public async Task<AuditHead?> SignNow(CancellationToken ct)
    {
        var wanted = (await tree.Progress(ct)).LogPosition;
        for (var begun = Stopwatch.GetTimestamp(); (await tree.Progress(ct)).Size < wanted;)
        {
            if (await tree.Grow(ct) is null)
            {
                if (Stopwatch.GetElapsedTime(begun) > TimeSpan.FromSeconds(60))
                {
                    throw new TimeoutException("The audit tree is being worked on by another host.");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
            }
        }

        using var signer = await signing.Current(ct);
        return await tree.Sign(signer, clock.GetUtcNow(), ct);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var size = await Step(stoppingToken);
                Fault = null;
                await position.WaitBeyond(size, idleLook, stoppingToken);
                await Task.Delay(options.Gather, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is LogCorruptException or AuditTreeBrokenException)
            {
                Fault = fault.Message;
                LogBroken(fault);
                await Task.Delay(afterFault, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception fault)
            {
                Fault = fault is NpgsqlException ? Fault : fault.Message;
                LogFault(fault.Message);
                await Task.Delay(afterFault, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Comes up with the log, and signs when it is time; answers how far the tree is.</summary>
    private async Task<long> Step(CancellationToken ct)
    {
        var grown = await tree.Grow(ct);
        while (grown is { } step && step.Size < step.LogPosition)
        {
            grown = await tree.Grow(ct);
        }

        var size = (grown ?? await tree.Progress(ct)).Size;
        var last = await tree.LastHead(ct);
        if (size > 0 && (last is null || (last.Size < size && clock.GetUtcNow() - last.At >= options.HeadEvery - options.Gather)))
        {
            using var signer = await signing.Current(ct);
            await tree.Sign(signer, clock.GetUtcNow(), ct);
        }

        return size;
    }

    [LoggerMessage(LogLevel.Critical, "The audit tree cannot be gone on with: log and tree contradict each other. Run crm verify.")]
    private partial void LogBroken(Exception fault);

    [LoggerMessage(LogLevel.Warning, "The audit tree does not keep up and will be tried again: {Reason}")]
    private partial void LogFault(string reason);
}
