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

        foreach (var position in positions.Where(position => position <= size))
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
