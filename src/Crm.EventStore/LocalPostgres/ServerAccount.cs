using System.Globalization;

namespace Crm.EventStore.LocalPostgres;

/// <summary>The account that the server runs as: ourselves, or an ordinary one when we are root.</summary>
internal static class ServerAccount
{
    /// <summary>
    /// Decides who runs the server over a folder: the folder's owner where it has an ordinary one, else <c>postgres</c>, else
    /// <c>nobody</c>. Gives the folder to that account and makes sure that it can reach it.
    /// </summary>
    public static async Task<Launcher> For(string folder, CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return Launcher.Plain;
        }

        var (user, group) = await Ordinary(folder, ct);
        await Must(Launcher.Plain, "chown", ["-R", $"{user}:{group}", folder], ct);
        Launcher[] ways = [Launcher.As(user, group), .. Capabilities().Select(capability => Launcher.As(user, group, capability))];
        foreach (var way in ways)
        {
            // Not test -x: what it asks the system leaves capabilities out of account.
            var reached = await Try(way, "stat", ["-c", "%u", Path.Combine(folder, ".")], ct);
            if (reached.Succeeded)
            {
                return way;
            }
        }

        throw new LocalPostgresException(
            $"PostgreSQL refuses to run as root, and its user {user} cannot reach {folder}: one of the folders above it is closed to others. "
            + $"Open them (chmod o+x), or set CRM_DATA_DIR to a folder that {user} can reach.");
    }

    /// <summary>The number of the user that owns a folder or file; null when it cannot be told.</summary>
    public static async Task<string?> OwnerOf(string path, CancellationToken ct)
    {
        var answer = await Launcher.Plain.Run("stat", ["-c", "%u", path], ct);
        return answer.Succeeded ? answer.Output.Trim() : null;
    }

    private static async Task<(string User, string Group)> Ordinary(string folder, CancellationToken ct)
    {
        var owner = await OwnerOf(folder, ct);
        string?[] accounts = [owner is "0" ? null : owner, "postgres", "nobody"];
        foreach (var account in accounts.OfType<string>())
        {
            var user = await Launcher.Plain.Run("id", ["-u", account], ct);
            var group = await Launcher.Plain.Run("id", ["-g", account], ct);
            if (user.Succeeded && group.Succeeded)
            {
                return (user.Output.Trim(), group.Output.Trim());
            }
        }

        throw new LocalPostgresException(
            "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody. Make one (useradd --system postgres), or run as an ordinary user.");
    }

    // A container may have been given the one and not the other; the weaker comes first.
    private static IEnumerable<string> Capabilities()
    {
        const int dacOverride = 1, dacReadSearch = 2;
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
        var held = line is null ? 0 : ulong.Parse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if ((held & (1UL << dacReadSearch)) != 0)
        {
            yield return "dac_read_search";
        }

        if ((held & (1UL << dacOverride)) != 0)
        {
            yield return "dac_override";
        }
    }

    private static async Task<Launcher.Answer> Try(Launcher launcher, string program, string[] arguments, CancellationToken ct)
    {
        try
        {
            return await launcher.Run(program, arguments, ct);
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new LocalPostgresException(
                "PostgreSQL refuses to run as root, and setpriv, which starts it as another user, is not installed "
                + "(Debian and Ubuntu: apt-get install util-linux).", missing);
        }
    }

    private static async Task Must(Launcher launcher, string program, string[] arguments, CancellationToken ct)
    {
        var answer = await launcher.Run(program, arguments, ct);
        if (!answer.Succeeded)
        {
            throw new LocalPostgresException($"{program} {string.Join(' ', arguments)} failed: {answer.Said}");
        }
    }
}
