using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>A note on a lead.</summary>
public sealed record AddNoteRequest(string? Text = null) : IRequestBody<AddNoteRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<AddNoteRequest> Json => LeadsJson.Wire.AddNoteRequest;

    /// <inheritdoc/>
    public static IValidator<AddNoteRequest>? Validator { get; } = new AddNoteRequestValidator();
}

/// <summary>A note says something.</summary>
public sealed class AddNoteRequestValidator : AbstractValidator<AddNoteRequest>
{
    /// <summary>The checks.</summary>
    public AddNoteRequestValidator() => RuleFor(request => request.Text).Present().AtMost(LeadLimits.Text);
}

/// <summary><c>POST /leads/{id}/notes</c></summary>
public static class AddNoteEndpoint
{
    /// <summary>Writes a note on a lead.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<AddNoteRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var command = new AddNote(Guid.CreateVersion7(request.Context.Now), request.Body.Text ?? "");
        return (await commands.Run(LeadStream.Kind, id, command, request.Context, ct)).ToHttp();
    }
}
