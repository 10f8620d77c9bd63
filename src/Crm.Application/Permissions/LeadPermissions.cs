using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;

namespace Crm.Application.Permissions;

/// <summary>Who may do what to a lead: by whom it belongs to at this moment. The one place that says it for commands.</summary>
public static class LeadPermissions
{
    /// <summary>They may see the lead, but not do this to it.</summary>
    public static Refusal Forbidden { get; } = new("forbidden", "Your role does not permit this.", RefusalKind.Forbidden);

    /// <summary>Why somebody may not run a command on a lead; null when they may. A lead that is not theirs to see is not there.</summary>
    public static Refusal? Of(Lead lead, ICommand<Lead, LeadEvent> command, Scope scope)
    {
        if (command is CaptureLead capture)
        {
            // Whether the id is taken is the domain's to say: ids are chosen by clients and unique for all.
            return scope.MayGiveTo(capture.Owner?.Id) ? null : Forbidden;
        }

        if (command is EraseLead && scope.Role != Role.Admin)
        {
            return Forbidden;
        }

        if (lead.Status == LeadStatus.Missing)
        {
            return LeadRefusals.NotFound;
        }

        return scope.To(lead.OwnerId) switch
        {
            Access.None => LeadRefusals.NotFound,
            Access.Read => Forbidden,
            Access.Claim => command is ClaimLead ? null : Forbidden,
            Access.Write => command is AssignLead && !scope.Assigns ? Forbidden : null,
        };
    }
}
