using System.Security.Cryptography;
using System.Text;

namespace TwoTower.Datasets.Import;

/// <summary>Uuids made from names (RFC 9562, version 5): the same name has the same uuid in every import.</summary>
internal static class NamedUuid
{
    private static readonly Guid UrlNamespace = Guid.Parse("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>The uuid of a name such as <c>movielens:movie:1</c>, in the namespace of URLs.</summary>
    public static Guid Of(string name)
    {
        var text = Encoding.UTF8.GetBytes(name);
        Span<byte> input = new byte[16 + text.Length];
        UrlNamespace.TryWriteBytes(input, bigEndian: true, out _);
        text.CopyTo(input[16..]);
        Span<byte> hash = stackalloc byte[20];

        // SHA-1 is what the standard says for names; nothing here is a secret.
#pragma warning disable CA5350
        SHA1.HashData(input, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
