using System.Globalization;
using System.Text;
using Crm.Application.Erasure;
using Crm.Domain.Leads;
using Crm.EventStore.Audit;
using Crm.Web.Audit;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>The certificate of an erasure: what was erased, when, on whose demand, and whether it holds at this moment.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="EventId">The recorded fact's own id.</param>
/// <param name="Position">Its position in the log, for a proof that it stands there (<c>/audit/proof/{position}</c>).</param>
/// <param name="Version">Its version in the lead's stream.</param>
/// <param name="ErasedAt">When.</param>
/// <param name="ErasedBy">Who did it.</param>
/// <param name="RequestedBy">On whose demand.</param>
/// <param name="Reason">Why.</param>
/// <param name="KeyDestroyedAt">When the key of the personal data was destroyed; null where there still is one.</param>
/// <param name="KeyWasLost">Whether the key had been lost before, so that there was none to destroy.</param>
/// <param name="CheckedAt">When the database was looked at for this certificate.</param>
/// <param name="Verified">Whether at that moment nothing of the person stood anywhere.</param>
/// <param name="Places">Every place that was looked at.</param>
/// <param name="Remains">What else may hold traces for a while, where no query of the product sees it, and when it goes.</param>
/// <param name="Note">
/// All of this as a signed note, by the key that signs the audit tree's heads (<c>/audit/key</c>): to be checked and kept by others.
/// </param>
public sealed record ErasureCertificateBody(
    Guid LeadId,
    Guid EventId,
    long Position,
    long Version,
    DateTimeOffset ErasedAt,
    string? ErasedBy,
    string RequestedBy,
    string Reason,
    DateTimeOffset? KeyDestroyedAt,
    bool KeyWasLost,
    DateTimeOffset CheckedAt,
    bool Verified,
    IReadOnlyList<ErasurePlace> Places,
    IReadOnlyList<string> Remains,
    string Note)
{
    /// <summary>What PostgreSQL and backups keep for a while after every erasure; docs/runbooks/erasure.md says more.</summary>
    private static readonly IReadOnlyList<string> remains =
    [
        "The former version of the key's row: until PostgreSQL has vacuumed crm.subject_keys, within minutes.",
        "Former versions of rewritten rows of read models: until PostgreSQL has vacuumed their tables.",
        "The write-ahead log and physical backups: until they have aged out.",
        "Archives: events sealed, and the wrapped key where keys are archived, until they are pruned. A restore erases again.",
    ];

    /// <summary>The certificate of what was found, signed.</summary>
    public static ErasureCertificateBody Of(ErasureFindings found, DateTimeOffset now, NoteSigner signer)
    {
        var fact = (LeadErased)found.Erased.Data;
        var certificate = new ErasureCertificateBody(
            found.Erased.StreamId,
            found.Erased.Id,
            found.Erased.Position,
            found.Erased.Version,
            found.Erased.At,
            found.Erased.Envelope.Actor,
            fact.RequestedBy,
            fact.Reason,
            found.KeyDestroyedAt,
            fact.KeyWasLost is true,
            now,
            found.Verified,
            found.Places,
            remains,
            Note: "");
        return certificate with { Note = SignedNote.Sign(certificate.Told(), signer).ToString() };
    }

    /// <summary>The certificate as a page to read and print.</summary>
    public string ToHtml()
    {
        var page = new HtmlPage("Certificate of erasure");
        page.Facts(
        [
            ("Lead", LeadId.ToString("D")),
            ("Erased at", WireFormats.Text(ErasedAt)),
            ("Erased by", ErasedBy ?? "unknown"),
            ("Requested by", RequestedBy),
            ("Reason", Reason),
            ("Event", string.Create(CultureInfo.InvariantCulture, $"{EventId} at position {Position}, version {Version}")),
            ("Key destroyed at", KeyDestroyedAt is { } destroyed ? WireFormats.Text(destroyed) + (KeyWasLost ? ": it had been lost before" : "") : "there still is one"),
            ("Looked at", WireFormats.Text(CheckedAt)),
            ("Verified", Verified ? "yes: nothing of the person stood in any of these places" : "NO: see the places below"),
        ]);
        page.Table(
            "What was looked at",
            ["Place", "Holds", "Count", "Clean"],
            Places.Select(static place => new[]
            {
                place.Place, place.Holds, place.Count.ToString(CultureInfo.InvariantCulture), place.IsClean ? "yes" : "NO",
            }));
        page.Table("What may hold traces for a while", ["What, and until when"], Remains.Select(static text => new[] { text }));
        page.Text("The same, signed", Note);
        return page.ToString();
    }

    // No head of a tree reads like this: the second line of one is a number.
    private string Told()
    {
        var told = new StringBuilder("crm certificate of erasure\n");
        void Line(string name, string value) => told.Append(name).Append(' ')
            .Append(string.Concat(value.Select(static letter => char.IsControl(letter) ? ' ' : letter))).Append('\n');
        Line("lead", LeadId.ToString("D"));
        Line("event", EventId.ToString("D"));
        Line("position", Position.ToString(CultureInfo.InvariantCulture));
        Line("version", Version.ToString(CultureInfo.InvariantCulture));
        Line("erased-at", WireFormats.Text(ErasedAt));
        Line("erased-by", ErasedBy ?? "unknown");
        Line("requested-by", RequestedBy);
        Line("reason", Reason);
        Line("key-destroyed-at", KeyDestroyedAt is { } destroyed ? WireFormats.Text(destroyed) : "never");
        Line("key-was-lost", KeyWasLost ? "true" : "false");
        Line("checked-at", WireFormats.Text(CheckedAt));
        Line("verified", Verified ? "true" : "false");
        foreach (var place in Places)
        {
            Line("place", string.Create(CultureInfo.InvariantCulture, $"{place.Place}: {place.Count} {(place.IsClean ? "clean" : "NOT CLEAN")}"));
        }

        foreach (var text in Remains)
        {
            Line("remains", text);
        }

        return told.ToString();
    }
}

/// <summary><c>GET /leads/{id}/erasure</c></summary>
public static class ErasureCertificateEndpoint
{
    private static readonly Problem notErased = new(
        409, "not-erased", "The state it is in does not permit this.", "The person behind the lead has not been erased.");

    /// <summary>Looks at the database and certifies what it finds.</summary>
    public static async Task<IResult> Handle(
        Guid id, HttpContext http, ErasureCheck check, AuditSigning signing, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        if (await check.Verify(id, ct) is not { } found)
        {
            return notErased.ToHttp();
        }

        using var signer = await signing.Current(ct);
        var certificate = ErasureCertificateBody.Of(found, RequestHeaders.Now(http), signer);
        return HtmlPage.IsWanted(http.Request)
            ? HtmlPage.Answer(certificate.ToHtml())
            : Answers.Json(certificate, LeadsJson.Wire.ErasureCertificateBody);
    }
}
