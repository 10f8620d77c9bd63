using System.Text.Json;
using Crm.Application.Undo;
using Crm.EventStore.Jobs;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>Undoes as a job of this host.</summary>
public sealed class UndoJobs(RunningJobs jobs, NpgsqlDataSource database, EventLog log, LeadUndo undo)
{
    /// <summary>Starts an undo and answers at once. Stopped with the host, it goes on when it is asked for again.</summary>
    public Task Start(Guid job, Posted<UndoRequest> posted, CancellationToken hostStopping, CancellationToken ct) => jobs.Start(
        (job, "undo", posted.Body.Window.OperationId, posted.Context.Envelope.Actor),
        async (progress, stop) =>
        {
            progress.Report(new JobProgress("looking", 0, 0));
            var plan = await UndoPlans.Make(
                database, log, posted.Body.Window, posted.Because(posted.Body.Reason).Envelope, posted.Context.Now, posted.Body.DryRun,
                stop);
            var report = await undo.Run(
                plan, new Told(done => progress.Report(new JobProgress("undoing", done, plan.Unwanted.Count))), stop);
            return JsonSerializer.Serialize(report, OperationsJson.Wire.UndoReport);
        },
        hostStopping,
        ct);

    private sealed class Told(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
