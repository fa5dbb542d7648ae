using System.Security.Cryptography;
using System.Text.Json;
using TwoTower.Core.Data;

namespace TwoTower.Trainer.Tuning;

/// <summary>Tells whether rows are the same.</summary>
public static class DataFingerprint
{
    /// <summary>SHA-256 over all rows in their order, as hex.</summary>
    public static string Of(TableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        using var sha = SHA256.Create();
        using (var hashed = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            // Which columns a source has is a set without an order; what it has in them is in the rows.
            JsonSerializer.Serialize(hashed, tables with { VideoColumns = null });
        }

        return Convert.ToHexStringLower(sha.Hash!);
    }
}
