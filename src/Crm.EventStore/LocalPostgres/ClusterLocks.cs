namespace Crm.EventStore.LocalPostgres;

/// <summary>
/// Who looks after a cluster, and who uses it: two files' locks, which the system lets go when their holder dies, however it dies.
/// Whoever uses the cluster shares the one; whoever starts or stops its server holds the other, and stops only what nobody uses.
/// </summary>
internal static class ClusterLocks
{
    private const int Looks = 10;
    private static readonly TimeSpan betweenLooks = TimeSpan.FromMilliseconds(20);

    /// <summary>The right to start and stop the server; null while another process has it.</summary>
    public static FileStream? TryControl(ClusterFiles files) => TryOpen(files.Lock, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Keeps the server from being stopped; null while it is being stopped.</summary>
    public static FileStream? TryUse(ClusterFiles files) => TryOpen(files.Users, FileAccess.Read, FileShare.Read);

    /// <summary>Keeps others from using the server; null while somebody does.</summary>
    public static FileStream? TryAlone(ClusterFiles files) => TryOpen(files.Users, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Stops the server when nobody uses it any more; the caller has let go of its own use.</summary>
    /// <param name="files">The cluster.</param>
    /// <param name="control">The right to stop it where the caller has it; let go of in the end.</param>
    /// <param name="stop">Stops it.</param>
    public static async Task<EndOfUse> EndUse(ClusterFiles files, FileStream? control, Func<Task> stop)
    {
        while (true)
        {
            control ??= await Control(files);
            if (control is null)
            {
                return EndOfUse.LeftToHost;
            }

            await using (control)
            {
                await using var alone = TryAlone(files);
                if (alone is not null)
                {
                    await stop();
                    return EndOfUse.Stopped;
                }
            }

            // Whoever uses the server stops it later: unless that one ended just now, and found the right to stop it taken.
            control = null;
            if (await IsUsed(files))
            {
                return EndOfUse.LeftToUsers;
            }
        }
    }

    // Both are looked at more than once: a program that another thread starts at this moment holds our files too, until it is itself.
    private static async Task<FileStream?> Control(ClusterFiles files)
    {
        for (var look = 1; ; look++)
        {
            if (TryControl(files) is { } control)
            {
                return control;
            }

            if (look == Looks)
            {
                return null;
            }

            await Task.Delay(betweenLooks);
        }
    }

    private static async Task<bool> IsUsed(ClusterFiles files)
    {
        for (var look = 1; ; look++)
        {
            await using (var unused = TryAlone(files))
            {
                if (unused is not null || look == Looks)
                {
                    return unused is null;
                }
            }

            await Task.Delay(betweenLooks);
        }
    }

    private static FileStream? TryOpen(string file, FileAccess access, FileShare share)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, access, share);
        }
        catch (IOException held) when (held is not (DirectoryNotFoundException or FileNotFoundException))
        {
            return null;
        }
    }
}

/// <summary>What became of a server that somebody has used.</summary>
internal enum EndOfUse
{
    /// <summary>It was stopped: nobody used it any more.</summary>
    Stopped,

    /// <summary>Others use it; the last of them stops it.</summary>
    LeftToUsers,

    /// <summary>Another host looks after it.</summary>
    LeftToHost,
}
