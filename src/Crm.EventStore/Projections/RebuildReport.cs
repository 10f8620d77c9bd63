namespace Crm.EventStore.Projections;

/// <summary>How far a rebuild has come.</summary>
/// <param name="Phase">What it is doing: <c>reading</c>, <c>indexing</c>, <c>catching up</c>, <c>comparing</c>, <c>switching</c>.</param>
/// <param name="Done">Events folded so far.</param>
/// <param name="Total">Events to fold.</param>
public sealed record RebuildProgress(string Phase, long Done, long Total);

/// <summary>What a rebuild came to.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Build">The build that is live now.</param>
/// <param name="Position">The position it was switched at.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Tables">Its tables, with rows, and whether they equal those of the build that was live before.</param>
/// <param name="Parked">The streams it could not apply.</param>
public sealed record RebuildReport(
    string Projection, long Build, long Position, TimeSpan Elapsed, IReadOnlyList<RebuiltTable> Tables, IReadOnlyList<ParkedStream> Parked);

/// <summary>One table of a rebuild.</summary>
/// <param name="Name">Its plain name.</param>
/// <param name="Rows">How many rows it holds.</param>
/// <param name="EqualsLive">
/// Whether it equals the live table at the same position, by count and digest; null where there was none to compare with.
/// </param>
public sealed record RebuiltTable(string Name, long Rows, bool? EqualsLive);
