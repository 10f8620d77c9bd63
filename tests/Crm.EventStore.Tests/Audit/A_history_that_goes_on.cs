using Crm.EventStore.Audit;
using Crm.EventStore.Tests.Log;

namespace Crm.EventStore.Tests.Audit;

/// <summary>What is verified is the history of one moment: commands, tree, signer and keys need not stand still for it.</summary>
public class A_history_that_goes_on
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task is_verified_as_it_was_at_one_moment()
    {
        await using var log = await AuditedLog.With(streams: 5);
        for (var round = 0; round < 4; round++)
        {
            var before = (await log.Tree.Progress(Ct)).Size;
            var goesOn = new Between(async () =>
            {
                // So much that a level of tiles is added to, too.
                await log.Add(3);
                await log.Sign();
            });
            var report = await new LogVerification(log.Database.App, [log.Signer.PublicKey]).Run(goesOn, Ct);
            Assert.Equal([], report.Findings);
            Assert.Equal((before, before, before), (report.LastPosition, report.Size, report.SignedUpTo));
            Assert.Equal(2, goesOn.Times);
            Assert.Equal(before + (2 * 3 * AuditedLog.EventsOfStream), (await log.Tree.Progress(Ct)).Size);
        }
    }

    [Fact]
    public async Task is_verified_by_the_keys_of_that_moment()
    {
        await using var log = await AuditedLog.With(streams: 1);
        using var next = NoteSigner.Create("log.example/notes");
        var goesOn = new Between(async () =>
        {
            if ((await log.Tree.LastHead(Ct))?.Number > 1)
            {
                return;
            }

            await using (var connection = await log.Database.App.OpenConnectionAsync(Ct))
            {
                await AuditKeys.Add(connection, new AuditKey(2, next.PublicKey, Sealed: null, IsDevelopment: true, Notes.Noon), Ct);
            }

            await log.Add(1);
            await log.Grow();
            await log.Tree.Sign(next, Notes.Noon, Ct);
        });
        var report = await new LogVerification(log.Database.App).Run(goesOn, Ct);
        Assert.Equal([], report.Findings);
        Assert.Equal((1, 100), (report.Heads, report.SignedUpTo));
        report = await new LogVerification(log.Database.App).Run(progress: null, Ct);
        Assert.Equal([], report.Findings);
        Assert.Equal((2, 200), (report.Heads, report.SignedUpTo));
    }

    [Fact]
    public async Task is_verified_while_the_tree_is_behind_it()
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(2);
        var goesOn = new Between(log.Sign);
        var report = await new LogVerification(log.Database.App, [log.Signer.PublicKey]).Run(goesOn, Ct);
        Assert.Equal([], report.Findings);
        Assert.Equal((300, 100, 100), (report.LastPosition, report.Size, report.SignedUpTo));
    }

    /// <summary>Holds the verification wherever it tells how far it is, until something was done beside it.</summary>
    private sealed class Between(Func<Task> work) : IProgress<double>
    {
        public int Times { get; private set; }

        public void Report(double value)
        {
            Times++;
            Task.Run(work, Ct).GetAwaiter().GetResult();
        }
    }
}
