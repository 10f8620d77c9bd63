using System.Diagnostics.Metrics;
using Crm.Web.Operations;

namespace Crm.Web.Hosting;

/// <summary>
/// Runs the integrity checks once a day, on whichever host looks first, and shows by gauges what they last found and when.
/// </summary>
internal sealed partial class IntegrityWatch : BackgroundService
{
    private static readonly TimeSpan look = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan daily = TimeSpan.FromHours(24);

    private readonly IntegrityReports reports;
    private readonly TimeProvider clock;
    private readonly ILogger<IntegrityWatch> logger;

    public IntegrityWatch(IntegrityReports reports, IMeterFactory meters, TimeProvider clock, ILogger<IntegrityWatch> logger)
    {
        (this.reports, this.clock, this.logger) = (reports, clock, logger);
        var meter = meters.Create("Crm.Web");
        meter.CreateObservableGauge("crm.integrity.checked", Checked, "s", "When the integrity checks were last run, since 1970.");
        meter.CreateObservableGauge("crm.integrity.pass.rate", PassRate, "%", "The share of the integrity checks that passed.");
        meter.CreateObservableGauge("crm.integrity.offenders", Offenders, "{offender}", "What offends against each integrity check.");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(look, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var last = await reports.Last(stoppingToken);
                if (last is null || clock.GetUtcNow() - last.At >= daily)
                {
                    await reports.Start(Guid.CreateVersion7(clock.GetUtcNow()), requestedBy: null, stoppingToken, stoppingToken);
                }
                else if (!last.IsSound)
                {
                    LogOffenders(last.Checks - last.Passed, last.Checks);
                }
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                LogNotRun(fault.Message);
            }
        }
    }

    private IEnumerable<Measurement<long>> Checked() => reports.Seen is { } seen ? [new(seen.At.ToUnixTimeSeconds())] : [];

    private IEnumerable<Measurement<double>> PassRate() => reports.Seen is { } seen ? [new(seen.PassRate)] : [];

    private IEnumerable<Measurement<long>> Offenders() => reports.Seen is { } seen
        ? seen.Items.Select(static item => new Measurement<long>(item.Offenders, new KeyValuePair<string, object?>("check", item.Id)))
        : [];

    [LoggerMessage(LogLevel.Error, "{Failed} of {Checks} integrity checks found something: GET /api/v1/ops/integrity says what")]
    private partial void LogOffenders(int failed, int checks);

    [LoggerMessage(LogLevel.Warning, "The integrity checks could not be run and will be in ten minutes: {Reason}")]
    private partial void LogNotRun(string reason);
}
