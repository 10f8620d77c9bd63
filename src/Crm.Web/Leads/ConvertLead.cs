using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>What a conversion opens.</summary>
public sealed record ConvertLeadRequest(OpportunityBody? Opportunity = null, CustomerBody? Customer = null) : IRequestBody<ConvertLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ConvertLeadRequest> Json => LeadsJson.Wire.ConvertLeadRequest;

    /// <inheritdoc/>
    public static IValidator<ConvertLeadRequest>? Validator { get; } = new ConvertLeadRequestValidator();

    /// <inheritdoc/>
    public static ConvertLeadRequest? WhenEmpty { get; } = new();
}

/// <summary>The opportunity that a conversion opens.</summary>
public sealed record OpportunityBody(string? Name = null, MoneyBody? Value = null, DateOnly? ExpectedClose = null);

/// <summary>The customer that a lead becomes.</summary>
public sealed record CustomerBody(string? Name = null);

/// <summary>Lengths and presence.</summary>
public sealed class ConvertLeadRequestValidator : AbstractValidator<ConvertLeadRequest>
{
    /// <summary>The checks.</summary>
    public ConvertLeadRequestValidator()
    {
        When(request => request.Opportunity is not null, () =>
        {
            RuleFor(request => request.Opportunity!.Name).AtMost(LeadLimits.Name); // checked by When
            RuleFor(request => request.Opportunity!.Value!).SetValidator(new MoneyBodyValidator()) // checked by When
                .When(request => request.Opportunity!.Value is not null); // checked by When
        });
        RuleFor(request => request.Customer!.Name).AtMost(LeadLimits.Name).When(request => request.Customer is not null); // checked by When
    }
}

/// <summary><c>POST /leads/{id}/convert</c></summary>
public static class ConvertLeadEndpoint
{
    /// <summary>Makes a qualified lead a customer.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<ConvertLeadRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var (opportunity, customer) = request.Body;
        var command = new ConvertLead(
            opportunity is null ? null : new ConvertedOpportunity(opportunity.Name, MoneyBody.ToMoney(opportunity.Value), opportunity.ExpectedClose),
            customer is null ? null : new ConvertedCustomer(customer.Name));
        return (await commands.Run(LeadStream.Kind, id, command, request.Context, ct)).ToHttp();
    }
}
