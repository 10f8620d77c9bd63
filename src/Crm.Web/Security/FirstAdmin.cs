using System.Security.Cryptography;
using Crm.Application;
using Crm.Application.Permissions;
using Crm.Domain;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Hosting;
using Crm.Web.Http;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>The admin that was registered because there was none.</summary>
/// <param name="Email">The address to sign in with.</param>
/// <param name="GeneratedPassword">The password, to be shown once; null when the operator chose it.</param>
public sealed record RegisteredAdmin(string Email, string? GeneratedPassword);

/// <summary>Sees to it that somebody can sign in to a new system.</summary>
public sealed class FirstAdmin(UserDirectory users, UserRegistration registration, TimeProvider clock)
{
    /// <summary>The address of the first admin where the operator names none.</summary>
    public const string DefaultEmail = "admin@localhost";

    /// <summary>
    /// Registers an admin when there is no active one; null when there is, or when another host that starts at the same moment was
    /// first: the address is a unique key of the log.
    /// </summary>
    /// <param name="email">The address (<c>CRM_ADMIN_EMAIL</c>); null or empty for <see cref="DefaultEmail"/>.</param>
    /// <param name="password">
    /// The password (<c>CRM_ADMIN_PASSWORD</c>); null or empty for a generated one. It is the operator's own choice, whatever its length.
    /// </param>
    /// <param name="mayGenerate">Whether a password may be generated, and so printed: not in Production, whose output is kept.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">The address is not one.</exception>
    /// <exception cref="SettingMissingException">There is no admin and no password for one, and none may be generated.</exception>
    public async Task<RegisteredAdmin?> Ensure(string? email, string? password, bool mayGenerate, CancellationToken ct)
    {
        if (await users.AdminBeside(Guid.Empty, ct) is not null)
        {
            return null;
        }

        var address = string.IsNullOrWhiteSpace(email) ? DefaultEmail : email.Trim();
        if (!EmailAddress.IsValid(address))
        {
            throw new InvalidOperationException($"CRM_ADMIN_EMAIL is not an e-mail address: {address}");
        }

        if (string.IsNullOrEmpty(password) && !mayGenerate)
        {
            throw new SettingMissingException(
                "CRM_ADMIN_PASSWORD is not set, and there is no admin yet. In Production no password is generated, because it would stand "
                + "in the log: set it (or CRM_ADMIN_PASSWORD_FILE) for the first start.");
        }

        var generated = string.IsNullOrEmpty(password) ? StrictBase64Url.Encode(RandomNumberGenerator.GetBytes(18)) : null;
        var context = new CommandContext(Envelope.System, WireFormats.Microseconds(clock.GetUtcNow()), Scope.System);
        var result = await registration.Register(
            new RegisterUser("Administrator", address, Role.Admin), generated ?? password ?? "", context, ct);
        return result is CommandResult.Done ? new RegisteredAdmin(address, generated) : null;
    }
}
