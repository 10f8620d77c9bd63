namespace Crm.Web.Cli;

/// <summary>What the <c>crm</c> command line answers to the shell.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>It failed: the message says why; nothing was left half done that the same command cannot continue.</summary>
    public const int Failed = 1;

    /// <summary>The command was not understood: an unknown verb or option, a missing argument, a map that says nothing sensible.</summary>
    public const int Usage = 2;

    /// <summary>Refused, and nothing was changed: for example a recovery into a database that is not empty.</summary>
    public const int Refused = 3;

    /// <summary>Done, but some rows were rejected; the report says where they are listed.</summary>
    public const int RowsRejected = 4;

    /// <summary>Interrupted by Ctrl-C or SIGTERM; the same command continues where it stopped.</summary>
    public const int Interrupted = 130;
}
