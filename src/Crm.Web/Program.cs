using Crm.Web.Hosting;

return await CrmHost.Serve(args, CancellationToken.None);

/// <summary>The entry point; a type of its own so that tests can start the very same host.</summary>
public partial class Program;
