using Crm.Domain;
using Crm.Domain.Users;

namespace Crm.Application.Permissions;

/// <summary>Streams that only admins, and the system itself, change: users, teams, API keys.</summary>
public static class AdminsOnly
{
    /// <summary>Why somebody may not run a command on such a stream; null when they may.</summary>
    public static Refusal? Of<TState, TEvent>(TState state, ICommand<TState, TEvent> command, Scope scope)
        where TEvent : class => scope.Role == Role.Admin ? null : LeadPermissions.Forbidden;
}
