using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary><c>POST /leads/{id}/unconvert</c></summary>
public static class UnconvertLeadEndpoint
{
    /// <summary>Takes a mistaken conversion back.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<ReasonRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var reason = request.Body.Reason;
        return (await commands.Run(LeadStream.Kind, id, new UnconvertLead(reason), request.Because(reason), ct)).ToHttp();
    }
}
