using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary><c>POST /leads/{id}/disqualify</c></summary>
public static class DisqualifyLeadEndpoint
{
    /// <summary>Gives a lead up.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<ReasonRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var reason = request.Body.Reason;
        return (await commands.Run(LeadStream.Kind, id, new DisqualifyLead(reason), request.Because(reason), ct)).ToHttp();
    }
}
