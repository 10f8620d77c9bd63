using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>
/// A JSON merge patch (RFC 7396) of a lead: a field that is there is set, null clears it, a field that is not there stays.
/// Each setter runs only for a field that is there.
/// </summary>
public sealed record ChangeLeadRequest : IRequestBody<ChangeLeadRequest>
{
    private ChangeLead changes = new();
    private bool ownerGiven;

    /// <inheritdoc/>
    public static JsonTypeInfo<ChangeLeadRequest> Json => LeadsJson.Wire.ChangeLeadRequest;

    /// <inheritdoc/>
    public static IValidator<ChangeLeadRequest>? Validator { get; } = new ChangeLeadRequestValidator();

    /// <inheritdoc/>
    public static string? OtherMediaType => "application/merge-patch+json";

    /// <summary>Given name.</summary>
    public string? FirstName { get => changes.FirstName.Or(null); set => changes = changes with { FirstName = value }; }

    /// <summary>Family name.</summary>
    public string? LastName { get => changes.LastName.Or(null); set => changes = changes with { LastName = value }; }

    /// <summary>E-mail address.</summary>
    public string? Email { get => changes.Email.Or(null); set => changes = changes with { Email = value }; }

    /// <summary>Telephone number.</summary>
    public string? Phone { get => changes.Phone.Or(null); set => changes = changes with { Phone = value }; }

    /// <summary>Company.</summary>
    public string? Company { get => changes.Company.Or(null); set => changes = changes with { Company = value }; }

    /// <summary>Where the lead came from.</summary>
    public string? Source { get => changes.Source.Or(null); set => changes = changes with { Source = value }; }

    /// <summary>Expected value; its parts merge with the value that stands.</summary>
    public MoneyPatch? Value
    {
        get;
        set
        {
            field = value;
            changes = changes with { Value = Change<Money?>.To(null) };
        }
    }

    /// <summary>All tags.</summary>
    public IReadOnlyList<string>? Tags
    {
        get => changes.Tags.Or(null);
        set => changes = changes with { Tags = Change<IReadOnlyList<string>?>.To(value) };
    }

    /// <summary>Identifier in the system that the lead came from.</summary>
    public string? ExternalId { get => changes.ExternalId.Or(null); set => changes = changes with { ExternalId = value }; }

    /// <summary>The agent it belongs to.</summary>
    public Guid? OwnerId
    {
        get;
        set
        {
            field = value;
            ownerGiven = true;
        }
    }

    /// <summary>The command on a lead that stands as its history says.</summary>
    public ChangeLead On(IReadOnlyList<StreamEvent> history, Agent? owner)
    {
        var standing = Value is null ? null : Lead.Aggregate.Fold(history.Select(recorded => (LeadEvent)recorded.Data)).Details.Value;
        var patched = Value is null ? changes : changes with { Value = Value.On(standing) };
        return ownerGiven ? patched with { Owner = owner } : patched;
    }
}

/// <summary>A merge patch of an amount.</summary>
public sealed record MoneyPatch
{
    private Change<decimal?> amount;
    private Change<string?> currency;

    /// <summary>The amount in the currency's main unit.</summary>
    public decimal? Amount { get => amount.Or(null); set => amount = value; }

    /// <summary>The currency's ISO 4217 code.</summary>
    public string? Currency { get => currency.Or(null); set => currency = value; }

    /// <summary>The amount that it makes of the one that stands.</summary>
    /// <exception cref="ProblemException">One part would be missing.</exception>
    public Money? On(Money? standing) => (amount.Or(standing?.Amount), currency.Or(standing?.Currency)) switch
    {
        ({ } number, { } code) => new Money(number, code),
        (null, _) => throw new ProblemException(Problem.Invalid(new FieldError("/value/amount", "required", "is required."))),
        (_, null) => throw new ProblemException(Problem.Invalid(new FieldError("/value/currency", "required", "is required."))),
    };
}

/// <summary>Lengths; the rest is the domain's to say.</summary>
public sealed class ChangeLeadRequestValidator : AbstractValidator<ChangeLeadRequest>
{
    /// <summary>The checks.</summary>
    public ChangeLeadRequestValidator()
    {
        RuleFor(request => request.FirstName).AtMost(LeadLimits.Name);
        RuleFor(request => request.LastName).AtMost(LeadLimits.Name);
        RuleFor(request => request.Email).AtMost(LeadLimits.Email);
        RuleFor(request => request.Phone).AtMost(LeadLimits.Phone);
        RuleFor(request => request.Company).AtMost(LeadLimits.Company);
        RuleFor(request => request.Source).AtMost(LeadLimits.Source);
        RuleFor(request => request.ExternalId).AtMost(LeadLimits.ExternalId);
        RuleFor(request => request.Tags).TagsOnly();
    }
}

/// <summary><c>PATCH /leads/{id}</c></summary>
public static class ChangeLeadEndpoint
{
    /// <summary>Changes what is known of a lead.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<ChangeLeadRequest> request, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var owner = request.Body.OwnerId is { } agent ? await log.FindAgent(agent, ct) : null;
        var result = await commands.Run(LeadStream.Kind, id, history => request.Body.On(history, owner), request.Context, ct);
        return result.ToHttp();
    }
}
