using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Leads;

/// <summary>The routes of leads.</summary>
public static class LeadRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapLeads(this IEndpointRouteBuilder api)
    {
        var commands = api.MapGroup("/leads").WithTags("Leads").RequireAuthorization(Policies.LeadsWrite);
        commands.MapPost("", CaptureLeadEndpoint.Handle);
        commands.MapPatch("/{id:guid}", ChangeLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/assign", AssignLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/claim", ClaimLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/unassign", UnassignLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/transfer", TransferLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/complete-assignment", CompleteAssignmentEndpoint.Handle);
        commands.MapPost("/{id:guid}/activities", LogActivityEndpoint.Handle);
        commands.MapPost("/{id:guid}/notes", AddNoteEndpoint.Handle);
        commands.MapPost("/{id:guid}/qualify", QualifyLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/disqualify", DisqualifyLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/reopen", ReopenLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/convert", ConvertLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/unconvert", UnconvertLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/archive", ArchiveLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/unarchive", UnarchiveLeadEndpoint.Handle);
        commands.MapPost("/{id:guid}/restore", RestoreLeadEndpoint.Handle);

        var queries = api.MapGroup("/leads").WithTags("Leads").RequireAuthorization(Policies.LeadsRead);
        queries.MapGet("", ListLeadsEndpoint.Handle).Takes(ListLeadsEndpoint.Query);
        queries.MapGet("/export", ExportLeadsEndpoint.Handle).Takes(ExportLeadsEndpoint.Query);
        queries.MapGet("/{id:guid}", ReadLeadEndpoint.Handle).Takes(ReadLeadEndpoint.Query);
        queries.MapGet("/{id:guid}/history", LeadHistoryEndpoint.Handle).Takes(ReadLeadEndpoint.Query);
        queries.MapGet("/{id:guid}/timeline", LeadTimelineEndpoint.Handle).Takes(LeadTimelineEndpoint.Query);
        queries.MapGet("/{id:guid}/score", LeadScoreEndpoint.Handle).Takes(ReadLeadEndpoint.Query);
    }
}
