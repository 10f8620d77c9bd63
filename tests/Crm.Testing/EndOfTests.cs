namespace Crm.Testing;

/// <summary>
/// What an assembly's tests shared is removed after the last of them: a runner takes a process that is still busy some time after its
/// tests for one that has left threads behind.
/// </summary>
public sealed class EndOfTests : IAsyncDisposable
{
    public ValueTask DisposeAsync() => TestCluster.End();
}
