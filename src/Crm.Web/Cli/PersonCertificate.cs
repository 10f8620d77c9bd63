using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Crm.Application.Erasure;
using Crm.Projections;
using Crm.Web.Audit;
using Crm.Web.Hosting;
using Crm.Web.Http;
using Crm.Web.Leads;

namespace Crm.Web.Cli;

/// <summary><c>crm person certificate</c>: the certificate of an erasure, as <c>GET /leads/{id}/erasure</c> gives it.</summary>
internal static class PersonCertificate
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var lead = new Argument<Guid>("ID") { Description = "The lead whose person was erased." };
        var file = new Option<string?>("--out") { Description = "Writes it to this file: a page where the name ends with .html, else JSON." };
        var command = new Command("certificate", "Looks wherever something of an erased person may stand, and certifies it, signed.")
        {
            lead, file, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            if (await Of(database, parsed.GetRequiredValue(lead), ct) is not { } certificate)
            {
                await Console.Error.WriteLineAsync("The person behind this lead has not been erased.");
                return ExitCode.Refused;
            }

            if (parsed.GetValue(file) is { } to)
            {
                var isPage = to.EndsWith(".html", StringComparison.OrdinalIgnoreCase);
                await File.WriteAllTextAsync(
                    to, isPage ? certificate.ToHtml() : JsonSerializer.Serialize(certificate, LeadsJson.Wire.ErasureCertificateBody), ct);
            }

            await Verb.Answer(parsed.GetValue(json), certificate, LeadsJson.Wire.ErasureCertificateBody, Lines);
            return certificate.Verified ? ExitCode.Done : ExitCode.RowsRejected;
        });
        return command;
    }

    /// <summary>The certificate of what the database holds now; null where the person has not been erased.</summary>
    public static async Task<ErasureCertificateBody?> Of(VerbDatabase database, Guid lead, CancellationToken ct)
    {
        var pool = database.Database.App;
        if (await new ErasureCheck(pool, database.Log, ProjectionList.All).Verify(lead, ct) is not { } found)
        {
            return null;
        }

        var options = database.Settings.Read<AuditOptions>(AuditOptions.Section);
        using var signer = await new AuditSigning(pool, database.Masters, options, TimeProvider.System).Current(ct);
        return ErasureCertificateBody.Of(found, TimeProvider.System.GetUtcNow(), signer);
    }

    /// <summary>The certificate, as soon as the hosts that run have rewritten the read models; where none runs, at once.</summary>
    public static async Task<ErasureCertificateBody> After(VerbDatabase database, Guid lead, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var certificate = await Of(database, lead, ct)
                ?? throw new InvalidOperationException($"The person behind lead {lead} was just erased.");
            if (certificate.Verified || TimeProvider.System.GetElapsedTime(began) > patience || !await IsServed(database, ct))
            {
                return certificate;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }
    }

    /// <summary>The certificate in lines.</summary>
    public static IEnumerable<string> Lines(ErasureCertificateBody certificate)
    {
        yield return $"Certificate of erasure: lead {certificate.LeadId}, asked for by {certificate.RequestedBy}: {certificate.Reason}";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"erased {WireFormats.Text(certificate.ErasedAt)} by {certificate.ErasedBy ?? "unknown"}, at position {certificate.Position}");
        yield return $"key {(certificate.KeyDestroyedAt is { } at ? $"destroyed {WireFormats.Text(at)}" : "NOT destroyed")}"
            + (certificate.KeyWasLost ? "; it had been lost before" : "");
        foreach (var place in certificate.Places)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"  {(place.IsClean ? "clean    " : "NOT CLEAN")} {place.Count,8:N0}  {place.Place}: {place.Holds}");
        }

        foreach (var text in certificate.Remains)
        {
            yield return $"  for a while: {text}";
        }

        yield return certificate.Verified
            ? $"verified {WireFormats.Text(certificate.CheckedAt)}"
            : "NOT VERIFIED yet: read models follow where a host runs, else when one starts; then crm person certificate says so";
    }

    private static async Task<bool> IsServed(VerbDatabase database, CancellationToken ct)
    {
        await using var look = database.Database.App.CreateCommand(
            "select exists (select from crm.projections where lease_until > now())");
        return await look.ExecuteScalarAsync(ct) is true;
    }
}
