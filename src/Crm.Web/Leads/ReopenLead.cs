using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary><c>POST /leads/{id}/reopen</c></summary>
public static class ReopenLeadEndpoint
{
    /// <summary>Works on a disqualified lead again.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<ReasonRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var reason = request.Body.Reason;
        return (await commands.Run(LeadStream.Kind, id, new ReopenLead(reason), request.Because(reason), ct)).ToHttp();
    }
}
