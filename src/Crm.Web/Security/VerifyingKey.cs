namespace Crm.Web.Security;

/// <summary>A key that checks signatures, by the one algorithm of its kind: a token never chooses how it is checked.</summary>
public abstract class VerifyingKey : IDisposable
{
    /// <summary>The algorithm's name in JSON Web Signatures (RFC 7518), such as <c>ES256</c>.</summary>
    public abstract string Algorithm { get; }

    /// <summary>Whether the signature is this key's over the data; a signature of any other length or form is not.</summary>
    public abstract bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the key's memory back.</summary>
    protected abstract void Dispose(bool disposing);
}
