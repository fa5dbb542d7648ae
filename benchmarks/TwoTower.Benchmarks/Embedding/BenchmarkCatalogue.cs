using TwoTower.Core.Artifacts;
using TwoTower.Core.Rows;

namespace TwoTower.Benchmarks.Embedding;

/// <summary>A catalogue of any size whose vocabularies fill the contract's limits: 512 tags and 256 performers, a few common, most
/// rare.</summary>
internal static class BenchmarkCatalogue
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TableSet Create(int videos, int seed = 42)
    {
        var random = new Random(seed);
        var rows = new List<VideoRow>(videos);
        for (var i = 0; i < videos; i++)
        {
            rows.Add(new()
            {
                Id = NewId(random),
                Title = $"video {i}",
                Price = random.Next(300, 5000),
                DurationSeconds = random.Next(600, 7200),
                ProductReleasedAt = Now.AddDays(-random.Next(1, 2000)),
                CreatedAt = Now.AddDays(-random.Next(1, 2000)),
                Tags = Names(random, "tag", 600, random.Next(2, 9)),
                Performers = Names(random, "performer", 300, random.Next(1, 4)),
            });
        }

        var user = NewId(random);
        return new(
            [new(user, "viewer", Now.AddYears(-1))],
            rows,
            [.. rows.Take(20).Select(
                (video, n) => new DecisionRow(user, video.Id, n % 2 == 0 ? DecisionType.Like : DecisionType.Nope, Now.AddDays(-n)))]);
    }

    public static TowerWeights Tower(Random random, int[] widths)
    {
        var layers = new List<LinearWeights>();
        for (var l = 1; l < widths.Length; l++)
        {
            var bound = 1 / Math.Sqrt(widths[l - 1]);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2 - 1) * bound))];
            layers.Add(new(widths[l - 1], widths[l], Numbers(widths[l] * widths[l - 1]), Numbers(widths[l])));
        }

        return new(layers);
    }

    // Squaring the uniform number makes low numbers common: the n-th name is about as frequent as 1/√n.
    private static string[] Names(Random random, string prefix, int count, int wanted) =>
        [.. Enumerable.Range(0, wanted).Select(_ => $"{prefix} {(int)(Math.Pow(random.NextDouble(), 2) * count)}").Distinct()];

    private static Guid NewId(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }
}
