using Crm.EventStore.Audit;
using Crm.EventStore.Tests.Log;
using Crm.Testing;

namespace Crm.EventStore.Tests.Audit;

/// <summary>A log of toy streams with its tree, and short words for what is done with both.</summary>
public sealed class AuditedLog : IAsyncDisposable
{
    public const int EventsOfStream = 100;

    private AuditedLog(TestDatabase database) => (Database, Tree) = (database, new AuditTree(database.App));

    public TestDatabase Database { get; }

    public AuditTree Tree { get; }

    public NoteSigner Signer { get; } = NoteSigner.Create("log.example/notes");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A log of so many streams, in its tree and signed, with its key in the database.</summary>
    public static async Task<AuditedLog> With(int streams)
    {
        var log = new AuditedLog(await TestDatabase.Create());
        await using (var connection = await log.Database.App.OpenConnectionAsync(Ct))
        {
            await AuditKeys.Add(connection, new AuditKey(1, log.Signer.PublicKey, Sealed: null, IsDevelopment: true, Notes.Noon), Ct);
        }

        await log.Add(streams);
        await log.Sign();
        return log;
    }

    /// <summary>Appends streams of a hundred events each.</summary>
    public async Task Add(int streams)
    {
        await using var log = Notes.Open(Database.App);
        for (var stream = 0; stream < streams; stream++)
        {
            var texts = Enumerable.Range(0, EventsOfStream).Select(place => $"note {stream}.{place} of Zoë \"€\" \n 😀").ToArray();
            await log.Append(Notes.Append(Guid.NewGuid(), 0, texts), Ct).Appended();
        }
    }

    /// <summary>Takes all of the log into the tree.</summary>
    public async Task Grow()
    {
        while (await Tree.Grow(Ct) is not { } grown || grown.Size < grown.LogPosition)
        {
        }
    }

    /// <summary>Takes all of the log into the tree and signs it.</summary>
    public async Task<AuditHead> Sign()
    {
        await Grow();
        return await Tree.Sign(Signer, Notes.Noon, Ct) ?? throw new InvalidOperationException("There is nothing to sign.");
    }

    public Task<VerificationReport> Verify(params string[] exported) =>
        new LogVerification(Database.App, [Signer.PublicKey], exported).Run(progress: null, Ct);

    /// <summary>Verifies and keeps what came of it, as the host does each day.</summary>
    public async Task<VerificationReport> VerifyAndKeep()
    {
        var report = await Verify();
        await StoredVerifications.Keep(Database.App, report, Notes.Noon, Ct);
        return report;
    }

    /// <summary>Takes all of the log into the tree without asking what was there before, as a forger's own program would.</summary>
    public async Task GrowUnasked()
    {
        while (await Tree.GrowRestored(Ct) is not { } grown || grown.Size < grown.LogPosition)
        {
        }
    }

    /// <summary>Does what no role of the product may.</summary>
    public Task Tamper(string sql) => Database.Superuser.Execute(sql);

    public async ValueTask DisposeAsync()
    {
        Signer.Dispose();
        await Database.DisposeAsync();
    }
}

/// <summary>What a specification says of a report.</summary>
public static class Reports
{
    public static void Names(this VerificationReport report, FindingKind kind, long position) => Assert.True(
        report.Findings.Any(finding => finding.Kind == kind && finding.Position == position),
        string.Join('\n', report.Findings.Select(static finding => $"{finding.Kind} {finding.Position}: {finding.Says}")));
}
