namespace Crm.EventStore.Audit;

/// <summary>A signed head as it was stored.</summary>
/// <param name="Number">Its place among the heads: 1, 2, 3 …</param>
/// <param name="Size">How many events the tree held.</param>
/// <param name="Root">Its root.</param>
/// <param name="Note">The signed note.</param>
/// <param name="At">When it was signed.</param>
public sealed record AuditHead(long Number, long Size, byte[] Root, string Note, DateTimeOffset At);
