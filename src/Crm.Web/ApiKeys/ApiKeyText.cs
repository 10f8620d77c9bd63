using System.Security.Cryptography;
using System.Text;
using Crm.Web.Security;

namespace Crm.Web.ApiKeys;

/// <summary>An API key as clients send it: <c>crm_</c>, its id, and 256 random bits that only the client keeps.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Secret">What proves that the client has the key.</param>
public sealed record ApiKeyText(Guid Id, string Secret)
{
    /// <summary>How every key begins, so that it is recognised where it should not be.</summary>
    public const string Prefix = "crm_";

    private const int IdLength = 22;
    private const int SecretBytes = 32;
    private const int SecretLength = 43;

    /// <summary>The secret's hash, which is all that is kept of it; the secret is random, so there is nothing to guess.</summary>
    public byte[] Hash => SHA256.HashData(Encoding.ASCII.GetBytes(Secret));

    /// <summary>A new key of this id.</summary>
    public static ApiKeyText New(Guid id) => new(id, StrictBase64Url.Encode(RandomNumberGenerator.GetBytes(SecretBytes)));

    /// <summary>Whether a text is meant to be a key.</summary>
    public static bool IsMeant(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Reads a key; null for anything that <see cref="Text"/> would not have written.</summary>
    public static ApiKeyText? Parse(string text) =>
        text.Length == Prefix.Length + IdLength + 1 + SecretLength
        && IsMeant(text)
        && text[Prefix.Length + IdLength] == '_'
        && StrictBase64Url.TryDecode(text.AsSpan(Prefix.Length, IdLength), out var id)
        && StrictBase64Url.TryDecode(text.AsSpan(Prefix.Length + IdLength + 1), out _)
            ? new ApiKeyText(new Guid(id, bigEndian: true), text[(Prefix.Length + IdLength + 1)..])
            : null;

    /// <summary>The key as a client is to send it.</summary>
    public string Text() => $"{Prefix}{StrictBase64Url.Encode(Id.ToByteArray(bigEndian: true))}_{Secret}";

    /// <summary>Keeps the secret out of whatever prints it.</summary>
    public override string ToString() => $"{nameof(ApiKeyText)} {Id}";
}
