using System.Globalization;

namespace Crm.EventStore.LocalPostgres;

/// <summary>The folder that holds PostgreSQL's server programs, and their major version.</summary>
/// <param name="Folder">The folder of <c>postgres</c>, <c>initdb</c> and <c>pg_ctl</c>.</param>
/// <param name="Major">The server's major version, for example 15.</param>
public sealed record ServerPrograms(string Folder, int Major)
{
    /// <summary>The setting that names the folder of the server's programs.</summary>
    public const string Setting = "CRM_PG_BIN";

    private const int OldestSupported = 14;
    private static readonly string[] Needed = ["postgres", "initdb", "pg_ctl"];

    /// <summary>The full path of one of the programs.</summary>
    public string this[string program] => Path.Combine(Folder, program);

    /// <summary>
    /// Finds the programs: in the given folder and nowhere else, or on the search path and in the folders of the known
    /// distributions, the highest version first. An existing cluster asks for its own major version.
    /// </summary>
    /// <exception cref="LocalPostgresException">None that fits is there.</exception>
    public static async Task<ServerPrograms> Find(string? folder, string? searchPath, int? major, CancellationToken ct)
    {
        var candidates = folder is { Length: > 0 } ? [folder] : Candidates(searchPath);
        var found = new List<ServerPrograms>();
        foreach (var candidate in candidates.Select(Resolved).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (await VersionOf(candidate, ct) is { } version and >= OldestSupported)
            {
                found.Add(new ServerPrograms(candidate, version));
            }
        }

        var best = found.Where(programs => major is null || programs.Major == major).MaxBy(programs => programs.Major);
        return best ?? throw new LocalPostgresException(Missing(folder, major, found));
    }

    private static string Missing(string? folder, int? major, List<ServerPrograms> found)
    {
        var where = folder is { Length: > 0 } ? $"in {folder} ({Setting})" : "on PATH or in the usual folders";
        if (major is { } wanted && found.Count > 0)
        {
            return $"The data was made by PostgreSQL {wanted}, but {where} there is only "
                + $"{string.Join(", ", found.Select(programs => programs.Major))}. Install PostgreSQL {wanted}, or set {Setting} to its bin folder.";
        }

        return $"PostgreSQL's server programs ({string.Join(", ", Needed)}, version {OldestSupported} or later) are not {where}. "
            + $"Install them (Debian and Ubuntu: apt-get install postgresql), set {Setting} to their folder, "
            + "or set ConnectionStrings__Crm to use a database that runs elsewhere.";
    }

    private static IEnumerable<string> Candidates(string? searchPath)
    {
        foreach (var folder in (searchPath ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }

        (string Root, string Prefix)[] roots =
        [
            ("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/usr/libexec", "postgresql"), ("/usr/lib", "postgresql"), ("/opt", "postgresql"),
            ("/usr/local", "pgsql"), ("/opt/homebrew/opt", "postgresql"), ("/usr/local/opt", "postgresql"),
        ];
        foreach (var (root, prefix) in roots.Where(root => Directory.Exists(root.Root)))
        {
            foreach (var folder in Directory.EnumerateDirectories(root, prefix + "*"))
            {
                yield return Path.Combine(folder, "bin");
                yield return folder;
            }
        }
    }

    // Distributions link single programs into the search path: the folder they come from has them all.
    private static string? Resolved(string folder)
    {
        var postgres = new FileInfo(Path.Combine(folder, "postgres"));
        if (!postgres.Exists)
        {
            return null;
        }

        var real = postgres.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? postgres.FullName;
        var home = Path.GetDirectoryName(real);
        return home is not null && Needed.All(program => File.Exists(Path.Combine(home, program))) ? home : null;
    }

    private static async Task<int?> VersionOf(string folder, CancellationToken ct)
    {
        var answer = await Launcher.Plain.Run(Path.Combine(folder, "postgres"), ["--version"], ct);
        if (!answer.Succeeded)
        {
            return null;
        }

        // "postgres (PostgreSQL) 15.14 (Debian …)", or "17beta1": the digits after the name are the major version.
        var words = answer.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var digits = words.Length > 2 ? string.Concat(words[2].TakeWhile(char.IsAsciiDigit)) : "";
        return int.TryParse(digits, CultureInfo.InvariantCulture, out var major) ? major : null;
    }
}
