using System.Net;
using System.Security.Authentication;
using Crm.EventStore.Audit;
using Crm.Testing;
using Crm.Web.Audit;

namespace Crm.Web.Tests.Operations;

/// <summary>Heads are brought to an https address of somebody else, who can check them with a key that the operator holds.</summary>
public sealed class Heads_for_others : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-heads-");
    private TestDatabase? database;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private TestDatabase Database => database ?? throw new InvalidOperationException("The database is made before each test.");

    public async ValueTask InitializeAsync() => database = await TestDatabase.Create();

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task are_posted_once_each_and_in_order_again_until_they_are_taken()
    {
        // The host does not know the address: it would bring heads by itself, at moments of its own.
        await using var receiver = await HeadReceiver.Start();
        await using var own = TestHost.Beside(Database, await Trust(receiver));
        var (admin, delivery) = await Started(own);
        await Head(admin);
        foreach (var no in new[] { HttpStatusCode.ServiceUnavailable, HttpStatusCode.TemporaryRedirect })
        {
            receiver.Answers = no;
            await Assert.ThrowsAsync<HttpRequestException>(() => delivery.Deliver(receiver.Address, Ct));
            await Head(admin);
        }

        var refused = receiver.Came.ToList();
        Assert.Equal(2, refused.Count);
        receiver.Answers = HttpStatusCode.NoContent;
        await delivery.Deliver(receiver.Address, Ct);
        await delivery.Deliver(receiver.Address, Ct);

        var heads = await own.Services.GetRequiredService<AuditTree>().Heads(0, 1_000, Ct);
        Assert.True(heads.Count >= 3);
        Assert.Equal(heads.Select(static head => head.Note), receiver.Came.Skip(refused.Count).Select(static each => each.Body));
        Assert.All(receiver.Came, static each => Assert.Equal(("POST", "text/plain; charset=utf-8"), (each.Method, each.Type)));
        Assert.All(refused, each => Assert.Equal(heads[0].Note, each.Body));

        await Head(admin);
        await delivery.Deliver(receiver.Address, Ct);
        Assert.Equal(heads.Count + 1, receiver.Came.Count - refused.Count);
    }

    [Fact]
    public async Task are_not_sent_where_nobody_vouches_for_the_address()
    {
        await using var receiver = await HeadReceiver.Start();
        await using var other = await HeadReceiver.Start();
        await using var elsewhere = await HeadReceiver.Start("heads.example.com");
        (string Name, string Value)?[] settings = [null, await Trust(other), await Trust(elsewhere)];
        foreach (var (setting, address) in settings.Zip([receiver.Address, receiver.Address, elsewhere.Address]))
        {
            await using var own = TestHost.Beside(Database, setting is { } given ? [given] : []);
            var (admin, delivery) = await Started(own);
            await Head(admin);

            var refused = await Assert.ThrowsAsync<HttpRequestException>(() => delivery.Deliver(address, Ct));
            Assert.IsType<AuthenticationException>(refused.InnerException);
        }

        Assert.Empty(receiver.Came);
        Assert.Empty(elsewhere.Came);
    }

    [Fact]
    public async Task are_signed_with_the_key_of_a_file_which_is_in_no_database()
    {
        using var signer = NoteSigner.Create("crm/of-a-file");
        var file = await Pem(signer);
        await using var own = TestHost.Beside(
            Database, ("Crm:Audit:SigningKeyFile", file), ("Crm:Audit:Origin", signer.PublicKey.Name));
        var (admin, _) = await Started(own);

        Assert.True((await Head(admin)).IsSignedBy(signer.PublicKey));
        Assert.Equal([signer.PublicKey.ToString()], await Keys(admin));
        await using (var kept = Database.App.CreateCommand("select count(*) from crm.audit_keys where private_key is not null"))
        {
            Assert.Equal(0L, await kept.ExecuteScalarAsync(Ct));
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => own.Services.GetRequiredService<AuditSigning>().Rotate(Ct));

        // The operator puts another key into the file: it signs from then on, and the old one goes on proving what it signed.
        using var next = NoteSigner.Create("crm/of-a-file");
        await Pem(next);
        await admin.Captured();
        Assert.True((await Head(admin)).IsSignedBy(next.PublicKey));
        Assert.Equal([next.PublicKey.ToString(), signer.PublicKey.ToString()], await Keys(admin));
        Assert.True((await new LogVerification(Database.App).Run(progress: null, Ct)).Sound);
    }

    [Fact]
    public async Task are_not_signed_with_what_is_no_key_of_the_right_kind()
    {
        using var signer = NoteSigner.Create("crm/of-a-file");
        var file = await Pem(signer);
        await using var own = TestHost.Beside(Database, ("Crm:Audit:SigningKeyFile", file));
        var (admin, _) = await Started(own);
        await Head(admin);

        using var other = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
        await File.WriteAllTextAsync(file, other.ExportPkcs8PrivateKeyPem(), Ct);
        var signing = own.Services.GetRequiredService<AuditSigning>();
        await Assert.ThrowsAsync<FormatException>(() => signing.Current(Ct));
        await File.WriteAllTextAsync(file, "no key", Ct);
        await Assert.ThrowsAsync<ArgumentException>(() => signing.Current(Ct));
        Assert.Single(await Keys(Database));
    }

    private static async Task<(SignedInUser Admin, HeadDelivery Delivery)> Started(TestHost own)
    {
        var admin = await own.Admin();
        var delivery = own.Services.GetServices<IHostedService>().OfType<HeadDelivery>().Single();
        await delivery.StopAsync(Ct);
        return (admin, delivery);
    }

    /// <summary>Something happens, and is signed.</summary>
    private static async Task<SignedNote> Head(SignedInUser admin)
    {
        await admin.Captured();
        return SignedNote.Parse((await admin.Post("/ops/audit/head")).Is(200).Body.GetProperty("note").GetString() ?? "");
    }

    private static async Task<List<string?>> Keys(SignedInUser admin) =>
        [.. (await admin.Get("/audit/key")).Is(200).Items.Select(static item => item.GetProperty("vkey").GetString())];

    private static async Task<IReadOnlyList<AuditKey>> Keys(TestDatabase database)
    {
        await using var connection = await database.App.OpenConnectionAsync(Ct);
        return await AuditKeys.List(connection, Ct);
    }

    private async Task<(string Name, string Value)> Trust(HeadReceiver receiver)
    {
        var file = Path.Combine(folder.FullName, $"{Guid.NewGuid():N}.pem");
        await File.WriteAllTextAsync(file, receiver.AuthorityPem, Ct);
        return ("Crm:Audit:HeadsTrust", file);
    }

    private async Task<string> Pem(NoteSigner signer)
    {
        var file = Path.Combine(folder.FullName, "audit.pem");
        await File.WriteAllTextAsync(
            file, new string(System.Security.Cryptography.PemEncoding.Write("PRIVATE KEY", signer.ToPkcs8())), Ct);
        return file;
    }
}
