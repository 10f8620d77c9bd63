using Crm.Application;
using Crm.Application.Users;
using Crm.Domain.Users;
using Crm.Web.Security;

namespace Crm.Web.Users;

/// <summary>
/// Registers users with their passwords. The password is kept first, under the id that the user is to have, then the user is
/// appended: a crash in between leaves a password that belongs to nobody and opens nothing, and the registration can be repeated.
/// </summary>
public sealed class UserRegistration(CommandRunner commands, Credentials credentials)
{
    /// <summary>Registers a user.</summary>
    public async Task<CommandResult> Register(RegisterUser user, string password, CommandContext context, CancellationToken ct)
    {
        var id = Guid.CreateVersion7(context.Now);
        await credentials.Add(id, password, ct);
        var result = await commands.Begin(UserStream.Kind, id, user, context, ct);

        // Refused, or the saved answer to an earlier request: the user was not registered under this id.
        if (result is not CommandResult.Done done || done.Id != id)
        {
            await credentials.Remove(id, ct);
        }

        return result;
    }
}
