using System.Globalization;
using Crm.EventStore.Audit;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>
/// A quick look at the audit tree: its last head, and a sample of events against their leaves. Whether everything fits is what
/// <c>crm verify</c> says.
/// </summary>
internal sealed class AuditChecks(NpgsqlDataSource database, Tally tally)
{
    // Positions so near each other are read in one go, with those between them; so many at a time.
    private const int Near = 16;
    private const int SpanAtOnce = 4096;

    /// <summary>Checks the head and the events at some positions.</summary>
    public async Task Run(long[] positions, IProgress<IntegrityProgress>? progress, CancellationToken ct)
    {
        progress?.Report(new IntegrityProgress("audit tree", 0));
        var tree = new AuditTree(database);
        var size = (await tree.Progress(ct)).Size;
        if (await tree.LastHead(ct) is { } head)
        {
            await Tried(string.Create(CultureInfo.InvariantCulture, $"the head of {head.Size} events"), async () =>
                head.Size <= size && (await tree.Root(head.Size, ct)).AsSpan().SequenceEqual(head.Root));
        }

        var looked = positions.Where(position => position <= size).ToList();
        for (var begin = 0; begin < looked.Count;)
        {
            var end = begin;
            while (end + 1 < looked.Count && looked[end + 1] - looked[end] <= Near && looked[end + 1] - looked[begin] < SpanAtOnce)
            {
                end++;
            }

            progress?.Report(new IntegrityProgress("audit tree", (double)begin / looked.Count));
            if (end > begin && await Fits(looked[begin], looked[end], ct))
            {
                tally.Looked(IntegrityCheck.AuditTree, end - begin + 1);
            }
            else
            {
                await OneByOne(tree, looked[begin..(end + 1)], ct);
            }

            begin = end + 1;
        }
    }

    private async Task<bool> Fits(long first, long last, CancellationToken ct)
    {
        try
        {
            return await LeafSpan.Fits(database, first, last, ct);
        }
        catch (AuditTreeBrokenException)
        {
            // Which one it is, a look at each tells.
            return false;
        }
    }

    private async Task OneByOne(AuditTree tree, List<long> positions, CancellationToken ct)
    {
        foreach (var position in positions)
        {
            await Tried(string.Create(CultureInfo.InvariantCulture, $"position {position}"), async () =>
            {
                var kept = await tree.LeafHash(position, ct);
                return await tree.Leaf(position, ct) is { } leaf && MerkleTree.LeafHash(leaf).AsSpan().SequenceEqual(kept);
            });
        }
    }

    private async Task Tried(string what, Func<Task<bool>> fits)
    {
        tally.Looked(IntegrityCheck.AuditTree);
        try
        {
            if (!await fits())
            {
                tally.Offends(IntegrityCheck.AuditTree, $"{what} does not fit");
            }
        }
        catch (AuditTreeBrokenException broken)
        {
            tally.Offends(IntegrityCheck.AuditTree, $"{what}: {broken.Message}");
        }
    }
}
