using Crm.Web.Cli;
using Crm.Web.Hosting;

return await CommandLine.Run(args, CrmHost.Serve);

/// <summary>The entry point; a type of its own so that tests can start the very same host.</summary>
public partial class Program;
