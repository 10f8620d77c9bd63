namespace Crm.Benchmarks;

/// <summary><c>crm recover</c> of the imported real events into a new database: log, read models, verification.</summary>
public static class RecoverRealEvents
{
    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        const string Label = "recover the real events";
        if (ImportRealRows.RealFile is not { } real)
        {
            return [Figure.NotMeasured(Label, "../shared/data is not there")];
        }

        var folder = Directory.CreateTempSubdirectory("crm-bench-");
        try
        {
            bench.Say("importing the real events");
            await ImportRealRows.Import(bench, real, folder.FullName, ct);
            return [(await Recovering.Measure(bench, Label, leastRatio: 1, ct)).Figure];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
