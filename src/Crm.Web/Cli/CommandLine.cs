using System.CommandLine;

namespace Crm.Web.Cli;

/// <summary>The <c>crm</c> command line: which verbs there are, and how their outcome becomes an exit code.</summary>
public static class CommandLine
{
    private const string Epilogue =
        "Exit codes: 0 done · 1 failed · 2 not understood · 3 refused, nothing changed · 4 done, but rows were rejected · 130 interrupted.";

    /// <summary>Runs one verb. Without a verb, and with nothing but settings (<c>--urls=…</c>), it serves.</summary>
    /// <param name="args">The arguments as the shell gave them.</param>
    /// <param name="serve">Starts the host with the remaining arguments and answers when it has stopped.</param>
    public static async Task<int> Run(string[] args, Func<string[], CancellationToken, Task<int>> serve)
    {
        if (IsServe(args))
        {
            return await serve([.. args.SkipWhile(static arg => arg is "serve")], CancellationToken.None);
        }

        var parsed = Verbs(serve).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message);
            }

            await Console.Error.WriteLineAsync("Try --help.");
            return ExitCode.Usage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,

            // A verb that is told to stop finishes the batch that it has handed to the database.
            ProcessTerminationTimeout = TimeSpan.FromSeconds(60),
        });
    }

    // The host reads its own settings (--urls, --environment …), which the verbs' parser must not judge.
    private static bool IsServe(string[] args) => args switch
    {
        [] => true,
        ["serve", .. var rest] => !rest.Any(IsHelp),
        [var first, ..] => first.StartsWith("--", StringComparison.Ordinal) && !IsHelp(first) && first is not "--version",
    };

    private static bool IsHelp(string arg) => arg is "--help" or "-h" or "-?" or "/?" or "/h";

    private static RootCommand Verbs(Func<string[], CancellationToken, Task<int>> serve)
    {
        var serving = new Command("serve", "Starts the API; settings such as --urls=http://localhost:8080 may follow.");
        serving.SetAction((_, ct) => serve([], ct));
        return new RootCommand($"The CRM backend and its operations. {Epilogue}")
        {
            serving,
            ArchiveVerbs.Command(),
            AuditVerbs.Command(),
            BackupVerb.Command(),
            ConfigVerb.Command(),
            ExportVerb.Command(),
            MigrateVerb.Command(),
            LeadVerbs.Seed(),
            ImportVerbs.Command(),
            KeysVerb.Command(),
            ProjectionVerbs.Command(),
            RecoverVerb.Command(),
            RestoreVerb.Command(),
            DiffVerb.Command(),
            DrillVerb.Command(),
            SwitchVerb.Command(),
            UndoVerb.Command(),
            PersonVerbs.Command(),
            RetentionVerb.Command(),
            RestoreLeadsVerb.Command(),
            IntegrityVerbs.Command(),
            LeadVerbs.Rescore(),
            VerifyVerb.Command(),
            VersionVerb.Command(),
        };
    }
}
