using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary><c>POST /leads/{id}/claim</c></summary>
public static class ClaimLeadEndpoint
{
    /// <summary>Takes a lead that nobody is working on.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<NoBody> request, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var agent = await log.FindAgent(request.Context.Scope.UserId, ct);
        return (await commands.Run(LeadStream.Kind, id, new ClaimLead(agent), request.Context, ct)).ToHttp();
    }
}
