using Crm.Application;
using Crm.Application.Users;
using Crm.Domain;
using Crm.Domain.Users;

namespace Crm.Web.Users;

/// <summary>
/// Runs commands that may take an admin away so that one is always left. Another active admin is looked up first, and the append holds
/// only while that one's stream stays as it was seen; where it moved on, another look is taken.
/// </summary>
public sealed class LastAdmin(UserDirectory users, CommandRunner commands)
{
    private const int Attempts = 20;

    /// <summary>Runs a command on a user; it is made from whether that user is the only active admin.</summary>
    /// <exception cref="StreamConflictException">The other admins changed during every attempt.</exception>
    public async Task<CommandResult> Run(
        Guid id, Func<bool, ICommand<User, UserEvent>> command, CommandContext context, CancellationToken ct)
    {
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var beside = await users.AdminBeside(id, ct);
            var relying = beside is null ? context : context with { ReliesOn = [beside] };
            var result = await commands.Run(UserStream.Kind, id, command(beside is null), relying, ct);
            if (result is not CommandResult.PremiseChanged)
            {
                return result;
            }
        }

        throw new StreamConflictException(id, Attempts);
    }
}
