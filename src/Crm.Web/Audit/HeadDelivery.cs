using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.EventStore.Audit;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Audit;

/// <summary>A head as a line of a file of heads.</summary>
/// <param name="Number">Its place among the heads.</param>
/// <param name="Size">How many events it is of.</param>
/// <param name="At">When it was signed.</param>
/// <param name="Note">The signed note.</param>
internal sealed record HeadLine(long Number, long Size, DateTimeOffset At, string Note);

/// <summary>The JSON of files of heads, source-generated.</summary>
[JsonSerializable(typeof(HeadLine))]
internal sealed partial class HeadLineJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static HeadLineJson Wire { get; } = new(WireFormats.Options());
}

/// <summary>A file of heads: one line each, in order, only ever added to.</summary>
internal static class HeadFile
{
    private const int AtOnce = 1_000;

    /// <summary>Adds the heads that the file does not have yet.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="FormatException">Its last line is no head.</exception>
    public static async Task<int> Bring(string file, AuditTree tree, CancellationToken ct)
    {
        var known = File.Exists(file) ? await LastNumber(file, ct) : 0;
        var added = 0;
        await using var to = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read);
        while (await tree.Heads(known, AtOnce, ct) is { Count: > 0 } heads)
        {
            foreach (var head in heads)
            {
                var line = new HeadLine(head.Number, head.Size, head.At, head.Note);
                await to.WriteAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(line, HeadLineJson.Wire.HeadLine) + "\n"), ct);
            }

            (known, added) = (heads[^1].Number, added + heads.Count);
        }

        to.Flush(flushToDisk: true);
        return added;
    }

    /// <summary>The notes of a file: lines as they are written here, or one note as it is.</summary>
    /// <exception cref="FormatException">It holds something else.</exception>
    public static async Task<IReadOnlyList<string>> Read(string file, CancellationToken ct)
    {
        var text = await File.ReadAllTextAsync(file, ct);
        return text.StartsWith('{')
            ? [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => LineOf(line).Note)]
            : [SignedNote.Parse(text).ToString()];
    }

    private static async Task<long> LastNumber(string file, CancellationToken ct)
    {
        string? last = null;
        await foreach (var line in File.ReadLinesAsync(file, ct))
        {
            last = line.Length > 0 ? line : last;
        }

        return last is null ? 0 : LineOf(last).Number;
    }

    private static HeadLine LineOf(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, HeadLineJson.Wire.HeadLine) ?? throw new JsonException();
        }
        catch (JsonException fault)
        {
            throw new FormatException("A line of the file of heads is no head.", fault);
        }
    }
}

/// <summary>
/// Brings heads to where the configuration says, so that they stand where nobody who changes the database can change them. It waits for
/// nobody: a place that does not take them gets them later, in order.
/// </summary>
public sealed partial class HeadDelivery(
    AuditTree tree, NpgsqlDataSource database, AuditOptions options, TimeProvider clock, ILogger<HeadDelivery> logger) : BackgroundService
{
    private const string Scope = "audit-heads";
    private static readonly TimeSpan look = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan longestPause = TimeSpan.FromMinutes(5);

    /// <summary>Brings every head to one place that has not been there yet.</summary>
    public Task Deliver(string to, CancellationToken ct) =>
        to.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? Post(new Uri(to), ct) : HeadFile.Bring(to, tree, ct);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(options.HeadsTo.Select(to => Forever(to, stoppingToken)));

    private async Task Forever(string to, CancellationToken ct)
    {
        var pause = look;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await Deliver(to, ct);
                pause = look;
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogNotDelivered(to, fault.Message);
                pause = pause * 2 < longestPause ? pause * 2 : longestPause;
            }

            await Task.Delay(pause, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One POST for each head; how far they are stands in the database, so that hosts take turns and none is left out.</summary>
    private async Task Post(Uri to, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var alone = new NpgsqlCommand(
            "select pg_try_advisory_xact_lock(hashtextextended('crm.audit_heads ' || $1, 0))", connection))
        {
            alone.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.AbsoluteUri });
            if (await alone.ExecuteScalarAsync(ct) is not true)
            {
                return;
            }
        }

        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        if (options.HeadsTrust is { } file)
        {
            handler.SslOptions.CertificateChainPolicy = await Trusting(file, ct);
        }

        using var http = new HttpClient(handler) { Timeout = patience };
        foreach (var head in await tree.Heads(await Delivered(to, ct), 100, ct))
        {
            using var note = new StringContent(head.Note, Encoding.UTF8, new MediaTypeHeaderValue("text/plain", "utf-8"));
            using var answer = await http.PostAsync(to, note, ct);
            answer.EnsureSuccessStatusCode();
            await Remember(to, head.Number, ct);
        }
    }

    /// <summary>Nobody but the authorities of a file. It is read each time: who replaces it need not start the host again.</summary>
    private static async Task<X509ChainPolicy> Trusting(string file, CancellationToken ct)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(await File.ReadAllTextAsync(file, ct));
        return policy;
    }

    private async Task<long> Delivered(Uri to, CancellationToken ct)
    {
        await using var read = database.CreateCommand("select value from crm.bookmarks where scope = $1 and key = $2");
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Scope });
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.AbsoluteUri });
        return await read.ExecuteScalarAsync(ct) is string number ? long.Parse(number, CultureInfo.InvariantCulture) : 0;
    }

    private async Task Remember(Uri to, long number, CancellationToken ct)
    {
        await using var write = database.CreateCommand(
            """
            insert into crm.bookmarks (scope, key, value, updated_at) values ($1, $2, $3, clock_timestamp())
            on conflict (scope, key) do update set value = excluded.value, updated_at = excluded.updated_at
            """);
        write.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Scope });
        write.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.AbsoluteUri });
        write.Parameters.Add(new NpgsqlParameter<string> { TypedValue = number.ToString(CultureInfo.InvariantCulture) });
        await write.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(LogLevel.Warning, "Heads do not reach {To} and will be tried again: {Reason}")]
    private partial void LogNotDelivered(string to, string reason);
}
