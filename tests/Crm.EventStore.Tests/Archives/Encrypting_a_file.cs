using System.Security.Cryptography;
using Crm.EventStore.Archives;

namespace Crm.EventStore.Tests.Archives;

public sealed class Encrypting_a_file
{
    private const int Chunk = 64 * 1024;
    private const int Head = 40;
    private const int Sealed = Chunk + 16;

    private static readonly ArchiveKey key = ArchiveKey.Of(SHA256.HashData("a key of these specifications"u8));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData(Chunk + 1)]
    [InlineData((3 * Chunk) + 17)]
    public void gives_back_what_was_written_at_every_border_of_a_chunk(int length)
    {
        var plain = Bytes(length);

        Assert.Equal(plain, Open(Seal(plain)));
    }

    [Fact]
    public void never_seals_the_same_twice_alike()
    {
        Assert.NotEqual(Seal(Bytes(100))[Head..], Seal(Bytes(100))[Head..]);
    }

    [Fact]
    public void notices_every_bit_that_is_changed()
    {
        var file = Seal(Bytes(200));
        for (var at = 0; at < file.Length; at++)
        {
            var changed = file.ToArray();
            changed[at] ^= (byte)(1 << (at % 8));
            Assert.Throws<ArchiveDamagedException>(() => Open(changed));
        }
    }

    [Fact]
    public void notices_where_it_was_cut_also_between_two_chunks()
    {
        var file = Seal(Bytes(3 * Chunk));
        foreach (var length in new[] { 0, 8, Head, Head + 15, Head + 16, Head + Sealed, Head + (2 * Sealed), file.Length - 1 })
        {
            Assert.Throws<ArchiveDamagedException>(() => Open(file[..length]));
        }
    }

    [Fact]
    public void notices_chunks_that_were_exchanged_left_out_or_repeated()
    {
        var file = Seal(Bytes((3 * Chunk) + 5));
        byte[] Of(params int[] chunks) =>
            [.. file[..Head], .. chunks.SelectMany(chunk => file[(Head + (chunk * Sealed))..Math.Min(file.Length, Head + ((chunk + 1) * Sealed))])];

        Assert.Equal(file, Of(0, 1, 2, 3));
        foreach (var order in new int[][] { [1, 0, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3], [0, 1, 2], [3], [0, 1, 2, 3, 3] })
        {
            Assert.Throws<ArchiveDamagedException>(() => Open(Of(order)));
        }
    }

    [Fact]
    public void binds_a_file_to_its_name_and_its_key()
    {
        var file = Seal(Bytes(100));

        Assert.Throws<ArchiveDamagedException>(() => Open(file, name: "log/another"));
        Assert.Throws<ArchiveDamagedException>(() => Open(file, with: ArchiveKey.Of(new byte[32])));
    }

    [Fact]
    public void can_be_undone_by_what_the_page_on_archives_says()
    {
        var plain = Bytes(Chunk + 100);
        var file = Seal(plain);

        var found = new List<byte>();
        var derived = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, SHA256.HashData("a key of these specifications"u8), 32, file[8..40], "crm archive file"u8.ToArray());
        using var cipher = new AesGcm(derived, 16);
        var chunks = file[Head..].Chunk(Sealed).ToList();
        for (var number = 0; number < chunks.Count; number++)
        {
            byte[] place = [0, 0, 0, (byte)number, number == chunks.Count - 1 ? (byte)1 : (byte)0];
            var part = new byte[chunks[number].Length - 16];
            byte[] nonce = [.. new byte[7], .. place];
            byte[] bound = [.. "log/a"u8, .. place];
            cipher.Decrypt(nonce, chunks[number][..^16], chunks[number][^16..], part, bound);
            found.AddRange(part);
        }

        Assert.Equal(plain, found);
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(17).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Seal(byte[] plain)
    {
        using var file = new MemoryStream();
        using (var sealing = new SealingStream(file, key, "log/a"))
        {
            // In pieces that fit no chunk.
            foreach (var piece in plain.Chunk(10_007))
            {
                sealing.Write(piece);
            }

            sealing.Finish();
        }

        return file.ToArray();
    }

    private static byte[] Open(byte[] file, string name = "log/a", ArchiveKey? with = null)
    {
        using var opening = new OpeningStream(new MemoryStream(file), file.Length, with ?? key, name);
        using var plain = new MemoryStream();
        opening.CopyTo(plain, 5_003);
        return plain.ToArray();
    }
}
