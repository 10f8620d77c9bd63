using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Recovery;

/// <summary>
/// Puts on record that leads which were erased after the restored position are erased: their keys are destroyed by then, and the log says
/// so as it said before.
/// </summary>
internal static class ErasedAgain
{
    /// <summary>Erases them; those that the restored log knows to be erased, and those it does not know, stay as they are.</summary>
    /// <returns>How many were erased now.</returns>
    public static async Task<int> All(EventLog log, IEnumerable<Guid> leads, DateTimeOffset now, CancellationToken ct)
    {
        using var commands = new CommandRunner(log);
        var context = new CommandContext(Envelope.System with { Reason = "restored from an archive" }, now, Scope.System);
        var erased = 0;
        foreach (var lead in leads.Distinct())
        {
            // Whatever the first reason was: what was written there is not in this log any more.
            var again = new EraseLead("Erased before, and again after a restoration.", "crm restore", PersonTraces.None);
            erased += await commands.Run(LeadStream.Kind, lead, again, context, ct) is CommandResult.Done { EventTypes.Count: > 0 } ? 1 : 0;
        }

        return erased;
    }
}
