using System.Security.Cryptography;

namespace Crm.EventStore.Sealing;

/// <summary>
/// Random bytes for keys and nonces. The system's generator costs about as much for a few hundred bytes as for twelve, so that each thread
/// fetches some in advance; what is handed out is wiped here.
/// </summary>
internal static class RandomBytes
{
    private const int InAdvance = 512;

    [ThreadStatic]
    private static byte[]? ahead;

    [ThreadStatic]
    private static int used;

    /// <summary>Fills a few bytes.</summary>
    public static void Fill(Span<byte> bytes)
    {
        if (ahead is null || InAdvance - used < bytes.Length)
        {
            ahead ??= new byte[InAdvance];
            RandomNumberGenerator.Fill(ahead);
            used = 0;
        }

        var taken = ahead.AsSpan(used, bytes.Length);
        taken.CopyTo(bytes);
        taken.Clear();
        used += bytes.Length;
    }
}
