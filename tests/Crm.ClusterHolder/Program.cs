// A host that does nothing but hold a cluster, for tests that kill it: says the server's process, then waits for the end of its input.
using Crm.EventStore.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;

var options = new LocalClusterOptions { Durable = false, SharedBuffersMb = 64 };
await using var cluster = await LocalCluster.Start(args[0], options, NullLogger.Instance, CancellationToken.None);
Console.WriteLine(cluster.ProcessId);
await Console.In.ReadToEndAsync();
