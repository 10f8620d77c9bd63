using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>The import cannot be begun as it was asked for; nothing was changed.</summary>
public sealed class ImportRefusedException(string message) : Exception(message);

/// <summary>
/// Takes a file's rows in batches, each one append: its events, the keys they claim and the bookmark behind its last row stand or
/// fall together. An import that was interrupted, even by a killed process, goes on behind the last batch that the log holds.
/// </summary>
internal sealed class ImportRun(EventLog log, IRowPlanner planner, string scope, RejectedRows rejected, IProgress<ImportProgress>? progress)
    : IDisposable
{
    private const int BatchRows = 4_000;
    private const int BatchCharacters = 4 << 20;
    private const int Attempts = 10;
    private readonly IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Takes all rows that have not been taken yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="delimiter">What separates its fields.</param>
    /// <param name="sameFileOnly">
    /// Whether another file under the source's name is refused; otherwise it is taken from its first row.
    /// </param>
    /// <param name="ct">Stops between two batches; what was taken stays.</param>
    public async Task<ImportReport> Take(string path, char delimiter, bool sameFileOnly, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var from = await Resume(path, delimiter, sameFileOnly, ct);
        using var file = CsvRows.Open(path, delimiter);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var batches = Channel.CreateBounded<Batch>(2);
        var reading = Task.Run(() => Read(file, from.Rows, batches.Writer, stop.Token), CancellationToken.None);
        var (state, added, position) = (from, 0L, 0L);
        Planned? underWay = null;
        try
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(stop.Token))
            {
                var plan = await Plan(batch, underWay?.After ?? state, stop.Token);
                if (underWay is not null)
                {
                    var settled = await Settle(underWay, stop.Token);
                    Settled(settled);
                    plan = ReferenceEquals(settled, underWay) ? plan : await Plan(batch, settled.After, stop.Token);
                }

                underWay = plan;
                // No token: what has been handed to the log is waited for, so that its outcome is known.
                plan.Outcome = log.Append(plan.Command, CancellationToken.None);
            }

            if (underWay is not null)
            {
                Settled(await Settle(underWay, stop.Token));
            }
        }
        finally
        {
            await stop.CancelAsync();
            if (underWay?.Outcome is { } outcome)
            {
                await outcome.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }

            await reading;
        }

        return new ImportReport(
            planner.Source,
            path,
            state.Totals,
            added,
            from.Rows,
            state.Totals.Rejected > 0 ? rejected.Path : null,
            position,
            clock.Elapsed.TotalSeconds);

        void Settled(Planned settled)
        {
            state = settled.After;
            added += settled.Events;
            position = settled.Events > 0 ? settled.Position : position;
            progress?.Report(new ImportProgress(settled.Fraction, state.Rows, added));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        digest.Dispose();
        rejected.Dispose();
    }

    private sealed record Batch(IReadOnlyList<ImportRow> Rows, string Digest, double Fraction);

    private sealed record Planned(Batch Batch, ImportBookmark Before, ImportBookmark After, AppendCommand Command, int Events)
    {
        public Task<AppendOutcome>? Outcome { get; set; }

        public long Position { get; set; }

        public double Fraction => Batch.Fraction;
    }

    /// <summary>Where to go on: behind the bookmark, if the file begins with the rows that were taken under it.</summary>
    private async Task<ImportBookmark> Resume(string path, char delimiter, bool sameFileOnly, CancellationToken ct)
    {
        if (await log.ReadBookmark(scope, planner.Source, ct) is not { } stored
            || JsonSerializer.Deserialize(stored, ImportJson.Default.ImportBookmark) is not { } bookmark)
        {
            return new ImportBookmark(0, "", 0, new ImportTally());
        }

        using (var file = CsvRows.Open(path, delimiter))
        {
            var rows = 0L;
            foreach (var row in file.Rows().TakeWhile(_ => rows < bookmark.Rows))
            {
                ct.ThrowIfCancellationRequested();
                Hash(row);
                rows++;
            }

            if (rows == bookmark.Rows && string.Equals(Digest(), bookmark.Digest, StringComparison.Ordinal))
            {
                return bookmark;
            }
        }

        if (sameFileOnly)
        {
            throw new ImportRefusedException(
                $"Under the source {planner.Source} other rows were imported: the first {bookmark.Rows} rows of this file are not those. "
                + "A file that only grew is continued; another file needs a source name of its own (--source).");
        }

        digest.GetHashAndReset();
        return new ImportBookmark(0, "", 0, new ImportTally());
    }

    private async Task Read(CsvRows file, long after, ChannelWriter<Batch> batches, CancellationToken ct)
    {
        try
        {
            var rows = new List<ImportRow>(BatchRows);
            var characters = 0L;
            foreach (var row in file.Rows())
            {
                if (row.Number <= after)
                {
                    continue;
                }

                Hash(row);
                rows.Add(row);
                characters += row.Fields.Sum(static field => (long)field.Length);
                if (rows.Count == BatchRows || characters > BatchCharacters)
                {
                    await batches.WriteAsync(new Batch(rows, Digest(), file.Progress), ct);
                    (rows, characters) = (new List<ImportRow>(BatchRows), 0);
                }
            }

            if (rows.Count > 0)
            {
                await batches.WriteAsync(new Batch(rows, Digest(), 1), ct);
            }

            batches.Complete();
        }
        catch (Exception fault)
        {
            batches.Complete(fault);
        }
    }

    private async Task<Planned> Plan(Batch batch, ImportBookmark before, CancellationToken ct)
    {
        await planner.Load(batch.Rows, ct);
        var taken = new RowBatch();
        foreach (var row in batch.Rows)
        {
            taken.Tally.Rows++;
            planner.Plan(row, taken);
        }

        planner.Complete(taken);
        var totals = new ImportTally();
        totals.Add(before.Totals);
        totals.Add(taken.Tally);
        var length = rejected.Write(before.RejectedBytes, taken.Rejected);
        var after = new ImportBookmark(before.Rows + batch.Rows.Count, batch.Digest, length, totals);
        var bookmark = new Bookmark(scope, planner.Source, JsonSerializer.Serialize(after, ImportJson.Default.ImportBookmark));
        return new Planned(batch, before, after, taken.ToCommand(Envelope.System, bookmark), taken.EventCount);
    }

    /// <summary>Waits for an append; where somebody else changed a lead meanwhile, the rows are planned anew on what is there.</summary>
    private async Task<Planned> Settle(Planned planned, CancellationToken ct)
    {
        var outcome = await (planned.Outcome ?? throw new UnreachableException("An append is settled that was not begun."));
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            if (outcome is AppendOutcome.Appended appended)
            {
                planned.Position = appended.LastPosition;
                return planned;
            }

            planner.Forget();
            planned = await Plan(planned.Batch, planned.Before, ct);
            outcome = await log.Append(planned.Command, CancellationToken.None);
        }

        throw new LogUnavailableException($"The leads of these rows changed during {Attempts} attempts: {outcome}.");
    }

    private void Hash(ImportRow row)
    {
        foreach (var field in row.Fields)
        {
            digest.AppendData(Encoding.UTF8.GetBytes(field));
            digest.AppendData([0x1f]);
        }

        digest.AppendData([0x1e]);
    }

    private string Digest() => Convert.ToHexStringLower(digest.GetCurrentHash());
}
