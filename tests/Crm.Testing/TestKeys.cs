using Crm.EventStore.Sealing;

namespace Crm.Testing;

/// <summary>The master key of all tests.</summary>
public static class TestKeys
{
    /// <summary>The key as a setting holds it.</summary>
    public const string Text = "dGhlIG1hc3RlciBrZXkgb2YgYWxsIHRlc3QgaG9zdHM=";

    /// <summary>The key.</summary>
    public static MasterKey Key { get; } = MasterKey.Of(Convert.FromBase64String(Text));

    /// <summary>The key as whoever opens a log needs it.</summary>
    public static MasterKeys Masters { get; } = MasterKeys.Of(Key);
}
