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
        commands.MapPost("", CaptureLeadEndpoint.Handle).WithSummary("Capture a lead.").Produces<CommandAnswerBody>(201);
        commands.MapPatch("/{id:guid}", ChangeLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Change what is known of a lead (JSON merge patch).");
        commands.MapPost("/{id:guid}/assign", AssignLeadEndpoint.Handle).RequireAuthorization(Policies.LeadsAssign)
            .Produces<CommandAnswerBody>().WithSummary("Give a lead to an agent.");
        commands.MapPost("/{id:guid}/claim", ClaimLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Take a lead that nobody works on.");
        commands.MapPost("/{id:guid}/unassign", UnassignLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Take a lead from its agent.");
        commands.MapPost("/{id:guid}/transfer", TransferLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Hand a lead to another agent.");
        commands.MapPost("/{id:guid}/complete-assignment", CompleteAssignmentEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Complete the assignment.");
        commands.MapPost("/{id:guid}/activities", LogActivityEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Log a contact that took place.");
        commands.MapPost("/{id:guid}/notes", AddNoteEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Write a note.");
        commands.MapPost("/{id:guid}/qualify", QualifyLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Qualify a contacted lead.");
        commands.MapPost("/{id:guid}/disqualify", DisqualifyLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Give a lead up.");
        commands.MapPost("/{id:guid}/reopen", ReopenLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Work on a disqualified lead again.");
        commands.MapPost("/{id:guid}/convert", ConvertLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Make a qualified lead a customer.");
        commands.MapPost("/{id:guid}/unconvert", UnconvertLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Take a conversion back.");
        commands.MapPost("/{id:guid}/archive", ArchiveLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Put a lead away.");
        commands.MapPost("/{id:guid}/unarchive", UnarchiveLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Bring a lead back from the archive.");
        commands.MapPost("/{id:guid}/restore", RestoreLeadEndpoint.Handle).Produces<CommandAnswerBody>()
            .WithSummary("Put a lead back to an earlier state, by new events.");
        api.MapPost("/leads/{id:guid}/erase", EraseLeadEndpoint.Handle).WithTags("Leads").RequireAuthorization(Policies.LeadsErase)
            .Produces<CommandAnswerBody>().WithSummary("Erase the person behind a lead, for good; with dryRun, say what that would take.");

        var queries = api.MapGroup("/leads").WithTags("Leads").RequireAuthorization(Policies.LeadsRead).WithMetadata(new FollowsLog());
        queries.MapGet("", ListLeadsEndpoint.Handle).Takes(ListLeadsEndpoint.Query).Produces<LeadsBody>()
            .WithSummary("List leads.");
        api.MapGet("/leads/export", ExportLeadsEndpoint.Handle).WithTags("Leads").RequireAuthorization(Policies.LeadsExport)
            .WithMetadata(new FollowsLog()).Takes(ExportLeadsEndpoint.Query)
            .Produces(200, contentType: "text/csv").WithSummary("All leads of a list, streamed as CSV or NDJSON.");
        queries.MapGet("/{id:guid}", ReadLeadEndpoint.Handle).Takes(ReadLeadEndpoint.Query).Produces<LeadBody>()
            .WithSummary("One lead, now or as it stood; always up to date with the log.");
        queries.MapGet("/{id:guid}/history", LeadHistoryEndpoint.Handle).Takes(ReadLeadEndpoint.Query).Produces<HistoryBody>()
            .WithSummary("Its events in order, each with what it changed.");
        queries.MapGet("/{id:guid}/timeline", LeadTimelineEndpoint.Handle).Takes(LeadTimelineEndpoint.Query).Produces<TimelineBody>()
            .WithSummary("What happened, one sentence each.");
        queries.MapGet("/{id:guid}/score", LeadScoreEndpoint.Handle).Takes(ReadLeadEndpoint.Query).Produces<ScoreBody>()
            .WithSummary("Its score with its breakdown.");
        api.MapGet("/leads/{id:guid}/erasure", ErasureCertificateEndpoint.Handle).WithTags("Leads").RequireAuthorization(Policies.Audit)
            .WithMetadata(new FollowsLog()).Produces<ErasureCertificateBody>()
            .WithSummary("The certificate of an erasure, verified against the database at this moment; as a page for Accept: text/html.");
        api.MapGet("/leads/{id:guid}/personal-data", PersonalDataEndpoint.Handle).WithTags("Leads").RequireAuthorization(Policies.LeadsErase)
            .WithMetadata(new FollowsLog()).Produces<PersonalDataBody>()
            .WithSummary("Everything that is held on the person behind a lead; as a page for Accept: text/html.");
    }
}
