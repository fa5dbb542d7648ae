using System.Security.Cryptography;
using System.Text.Json;
using TwoTower.Core.Rows;

namespace TwoTower.Evaluation.Tuning;

/// <summary>Tells whether rows are the same.</summary>
internal static class DataFingerprint
{
    /// <summary>SHA-256 over all rows in their order, as hex.</summary>
    public static string Of(TableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        using var sha = SHA256.Create();
        using (var hashed = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            // Which columns a source has is a set without an order; what it has in them is in the rows.
            JsonSerializer.Serialize(hashed, tables with { VideoColumns = null, Videos = [.. tables.Videos.Select(InOrder)] });
        }

        return Convert.ToHexStringLower(sha.Hash!);
    }

    // A database gives a video's vectors as they come, a file as they stand there.
    private static VideoRow InOrder(VideoRow video) =>
        video.VideoFeatures.Count < 2
            ? video : video with
            {
                VideoFeatures =
                new SortedDictionary<string, float[]>(video.VideoFeatures.ToDictionary(), StringComparer.Ordinal)
            };
}
