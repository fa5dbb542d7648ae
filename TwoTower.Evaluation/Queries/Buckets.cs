namespace TwoTower.Evaluation.Queries;

/// <summary>The groups that metrics are also shown by.</summary>
internal static class Buckets
{
    /// <summary>Users by likes in the history: name and fewest likes.</summary>
    public static readonly IReadOnlyList<(string Name, int AtLeast)> Activity =
        [("0 likes", 0), ("1–9 likes", 1), ("10–29 likes", 10), ("30–99 likes", 30), ("100 likes and more", 100)];

    /// <summary>Items by their place in the order of likes: the most liked tenth, the next four tenths, the rest.</summary>
    public static readonly IReadOnlyList<string> Popularity = ["most liked 10 %", "next 40 %", "rest"];

    /// <summary>The activity bucket of a history.</summary>
    public static int OfActivity(int likes)
    {
        var bucket = 0;
        while (bucket + 1 < Activity.Count && likes >= Activity[bucket + 1].AtLeast) bucket++;
        return bucket;
    }

    /// <summary>[items] the popularity bucket of each item; equally liked ones in the items' order.</summary>
    public static int[] OfPopularity(int[] likes)
    {
        ArgumentNullException.ThrowIfNull(likes);
        var order = Enumerable.Range(0, likes.Length).OrderByDescending(item => likes[item]).ThenBy(item => item).ToArray();
        var bucket = new int[likes.Length];
        for (var place = 0; place < order.Length; place++)
        {
            bucket[order[place]] = place < likes.Length * 0.1 ? 0 : place < likes.Length * 0.5 ? 1 : 2;
        }

        return bucket;
    }
}
