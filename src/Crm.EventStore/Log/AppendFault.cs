using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>What an error of the database means for the batch that met it.</summary>
internal static class AppendFault
{
    /// <summary>The server is going down, cannot take more, or has become a standby: another connection may do better.</summary>
    public static bool EndsConnection(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.ReadOnlySqlTransaction
        || refused.SqlState.StartsWith("08", StringComparison.Ordinal);

    /// <summary>Whether the database could not be reached, or is not there for anybody: as opposed to a statement that is wrong.</summary>
    public static bool IsUnavailable(Exception fault) => fault switch
    {
        PostgresException refused => refused.IsTransient || EndsConnection(refused)
            || refused.SqlState[..2] is "28" or "53" or "57" || refused.SqlState == PostgresErrorCodes.ObjectNotInPrerequisiteState,
        NpgsqlException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary>
    /// Others were in the way, and the batch may simply go again. The one lock that all wait for is the counter's; a wait for any other
    /// is one command's own.
    /// </summary>
    public static bool IsContention(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => true,
        PostgresErrorCodes.LockNotAvailable => refused.Where?.Contains("\"log_counter\"", StringComparison.Ordinal) == true,
        _ => false,
    };

    /// <summary>Whether one command's data, or the time that it takes, can be the cause.</summary>
    public static bool MayBeOneCommands(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled || IsData(refused);

    /// <summary>What the sender of the command is told.</summary>
    public static Exception ToException(PostgresException refused) =>
        IsData(refused) && refused.SqlState != PostgresErrorCodes.UniqueViolation
        ? new ArgumentException($"The database cannot store the command: {refused.MessageText}", refused)
        : new LogUnavailableException($"The database refused the append: {refused.MessageText}", refused) { NothingAppended = true };

    // 22: data exceptions; 23: constraints; 54: limits of the program, such as a text that is too long for an index.
    private static bool IsData(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";
}
