using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

public class A_signed_note
{
    private const string Text = "log.example/leads\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n";

    // The log of sigstore's rekor as it is named in the specification of this type of signature.
    private const string PublishedSpki =
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==";

    [Fact]
    public void is_taken_from_its_signer_and_from_nobody_else()
    {
        using var signer = NoteSigner.Create("log.example/leads");
        using var stranger = NoteSigner.Create("log.example/leads");
        var note = SignedNote.Parse(SignedNote.Sign(Text, signer).ToString());
        Assert.Equal(Text, note.Text);
        Assert.True(note.IsSignedBy(NoteKey.Parse(signer.PublicKey.ToString())));
        Assert.False(note.IsSignedBy(stranger.PublicKey));
        Assert.False(note.IsSignedBy());
    }

    [Fact]
    public void is_not_taken_when_a_letter_was_changed()
    {
        using var signer = NoteSigner.Create("log.example/leads");
        var note = SignedNote.Sign(Text, signer).ToString();
        Assert.False(SignedNote.Parse(note.Replace("\n3\n", "\n4\n", StringComparison.Ordinal)).IsSignedBy(signer.PublicKey));
    }

    [Fact]
    public void may_carry_signatures_of_strangers()
    {
        using var signer = NoteSigner.Create("log.example/leads");
        using var witness = NoteSigner.Create("witness.example");
        var note = SignedNote.Parse(SignedNote.Sign(Text, witness, signer).ToString());
        Assert.Equal(2, note.Signatures.Count);
        Assert.True(note.IsSignedBy(signer.PublicKey));
        Assert.True(note.IsSignedBy(witness.PublicKey));
    }

    [Fact]
    public void is_spoilt_by_one_false_signature_in_the_name_of_a_known_key()
    {
        using var signer = NoteSigner.Create("log.example/leads");
        var good = SignedNote.Sign(Text, signer);
        var other = SignedNote.Sign("another text\n", signer).ToString();
        var line = other[(other.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        Assert.False(SignedNote.Parse(good + line).IsSignedBy(signer.PublicKey));
    }

    [Fact]
    public void may_hold_empty_lines()
    {
        using var signer = NoteSigner.Create("x");
        Assert.True(SignedNote.Parse(SignedNote.Sign("a\n\nb\n", signer).ToString()).IsSignedBy(signer.PublicKey));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text\n")]
    [InlineData("text\n\n")]
    [InlineData("text\n\n— name AAAAAAA=")]
    [InlineData("text\n\n— name AAAA\n")]
    [InlineData("text\n\n— na me AAAAAAAAAA==\n")]
    [InlineData("text\n\n- name AAAAAAAAAA==\n")]
    [InlineData("text\n\n— na+me AAAAAAAAAA==\n")]
    [InlineData("te\u0001xt\n\n— name AAAAAAAAAA==\n")]
    [InlineData("te\rxt\n\n— name AAAAAAAAAA==\n")]
    [InlineData("text\n\n— name AAAAAAAAAA==\nmore\n")]
    public void is_refused_in_any_other_form(string note) => Assert.Throws<FormatException>(() => SignedNote.Parse(note));

    [Fact]
    public void is_refused_where_it_is_not_UTF_8() => Assert.Throws<FormatException>(static () => SignedNote.Parse([0xC3, 0x28]));

    [Fact]
    public void has_keys_named_by_the_hash_of_their_public_part()
    {
        var spki = Convert.FromBase64String(PublishedSpki);
        var key = NoteKey.Of("rekor.sigstore.dev", spki);
        var id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(spki))[..8];
        Assert.Equal($"rekor.sigstore.dev+{id}+{Convert.ToBase64String([2, .. spki])}", key.ToString());
        Assert.Equal("c0d23d6a", id); // as that log is known by
        Assert.Equal(key.ToString(), NoteKey.Parse(key.ToString()).ToString());
    }

    [Fact]
    public void has_no_keys_of_another_form()
    {
        var good = NoteKey.Of("name", Convert.FromBase64String(PublishedSpki)).ToString();
        Assert.Throws<FormatException>(() => NoteKey.Parse(good.Replace("+c0d23d6a+", "+c0d23d6b+", StringComparison.Ordinal)));
        Assert.Throws<FormatException>(() => NoteKey.Parse(good[..^8]));
        Assert.Throws<FormatException>(static () => NoteKey.Parse("name"));
        Assert.Throws<FormatException>(static () => NoteKey.Parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"));
        Assert.Throws<FormatException>(static () => NoteKey.Of("a b", Convert.FromBase64String(PublishedSpki)));
    }

    [Fact]
    public void of_a_tree_head_says_the_logs_name_size_and_root()
    {
        var head = TreeHead.Parse(Text);
        Assert.Equal(("log.example/leads", 3), (head.Origin, head.Size));
        Assert.Equal(Text, head.ToText());
        Assert.Equal(head, TreeHead.Parse(Text + "an extension\n"));
    }

    [Theory]
    [InlineData("log\n3\n")]
    [InlineData("log\n03\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n")]
    [InlineData("log\n-3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n")]
    [InlineData("log\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbg==\n")]
    [InlineData("\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n")]
    [InlineData("log\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=")]
    public void of_anything_else_is_no_tree_head(string text) => Assert.Throws<FormatException>(() => TreeHead.Parse(text));
}
