namespace Crm.Application.Integrity;

/// <summary>What a check found.</summary>
/// <param name="Id">The check's id.</param>
/// <param name="Name">What should hold.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Requirement">The requirement that it settles.</param>
/// <param name="Severity">How bad an offender is.</param>
/// <param name="Passed">Whether there is no offender.</param>
/// <param name="Checked">How many were looked at.</param>
/// <param name="Offenders">How many offend.</param>
/// <param name="First">The first of them: ids and positions, never a personal value.</param>
/// <param name="Repair">How an offender is repaired.</param>
public sealed record IntegrityResult(
    string Id, string Name, CheckKind Kind, string Requirement, Severity Severity, bool Passed, long Checked, long Offenders,
    IReadOnlyList<string> First, string Repair);

/// <summary>What all checks found.</summary>
/// <param name="At">When.</param>
/// <param name="Position">The log's last position when they began.</param>
/// <param name="Seed">The seed of the sample of streams.</param>
/// <param name="Checks">How many checks there are.</param>
/// <param name="Passed">How many passed.</param>
/// <param name="PassRate">The share that passed, in percent (S1-116: more than 80).</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Items">The checks.</param>
public sealed record IntegrityReport(
    DateTimeOffset At, long Position, int Seed, int Checks, int Passed, double PassRate, double Seconds,
    IReadOnlyList<IntegrityResult> Items)
{
    /// <summary>Whether every check passed.</summary>
    public bool IsSound => Passed == Checks;
}

/// <summary>How far the checks have come.</summary>
/// <param name="Step">What is being looked at.</param>
/// <param name="Fraction">How much of that is done, 0–1.</param>
public sealed record IntegrityProgress(string Step, double Fraction);

/// <summary>Counts, per check, what was looked at and what offends.</summary>
internal sealed class Tally
{
    private const int MostNamed = 10;

    private readonly Dictionary<IntegrityCheck, (long Checked, long Offenders, List<string> First)> counts = [];

    /// <summary>The offenders that are named, of one check.</summary>
    public IReadOnlyList<string> First(IntegrityCheck check) => Of(check).First;

    /// <summary>So many were looked at.</summary>
    public void Looked(IntegrityCheck check, long count = 1)
    {
        var of = Of(check);
        counts[check] = of with { Checked = of.Checked + count };
    }

    /// <summary>One offends.</summary>
    public void Offends(IntegrityCheck check, string id) => Offend(check, 1, [id]);

    /// <summary>So many offend, of which some are named.</summary>
    public void Offend(IntegrityCheck check, long count, IEnumerable<string> named)
    {
        var of = Of(check);
        of.First.AddRange(named.Take(MostNamed - of.First.Count));
        counts[check] = of with { Offenders = of.Offenders + count };
    }

    /// <summary>The outcome of a check.</summary>
    public IntegrityResult Result(IntegrityCheck check)
    {
        var (looked, offenders, first) = Of(check);
        return new IntegrityResult(
            check.Id, check.Name, check.Kind, check.Requirement, check.Severity, offenders == 0, looked, offenders, first, check.Repair);
    }

    private (long Checked, long Offenders, List<string> First) Of(IntegrityCheck check)
    {
        if (!counts.TryGetValue(check, out var of))
        {
            counts.Add(check, of = (0, 0, []));
        }

        return of;
    }
}
