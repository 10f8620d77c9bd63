using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary><c>POST /leads/{id}/unassign</c></summary>
public static class UnassignLeadEndpoint
{
    /// <summary>Takes a lead from its agent.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<NoBody> request, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(LeadStream.Kind, id, new UnassignLead(), request.Context, ct)).ToHttp();
}
