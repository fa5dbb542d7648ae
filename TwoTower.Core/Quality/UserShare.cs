using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace TwoTower.Core.Quality;

/// <summary>
/// A place for a user among all users, in [0, 1): the same for ever and on every machine, evenly spread, and for another salt another one.
/// The first 4 bytes of SHA-256 over the salt (UTF-8) and the 16 bytes of the id in the order in which it is written, as a big-endian
/// number ÷ 2³². SQL has the same: <c>two_tower.user_share(user_id, salt)</c>.
/// </summary>
internal static class UserShare
{
    /// <summary>The place of a user.</summary>
    /// <param name="salt">What the share is for; short.</param>
    public static double Of(Guid userId, string salt)
    {
        ArgumentNullException.ThrowIfNull(salt);
        var length = Encoding.UTF8.GetByteCount(salt);
        Span<byte> input = stackalloc byte[length + 16];
        Encoding.UTF8.GetBytes(salt, input);
        userId.TryWriteBytes(input[length..], bigEndian: true, out _);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, digest);
        return BinaryPrimitives.ReadUInt32BigEndian(digest) / 4294967296.0;
    }
}
