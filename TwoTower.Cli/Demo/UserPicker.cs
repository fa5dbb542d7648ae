using TwoTower.Core.Features;

namespace TwoTower.Cli.Demo;

/// <summary>
/// Chooses users to show: each with a clear taste, and each with another one. Deterministic for the same payloads. It looks at
/// histories only, never at recommendations.
/// </summary>
internal static class UserPicker
{
    /// <summary>Fewest likes of a user worth showing; less where nobody has as many.</summary>
    public const int EnoughLikes = 20;

    /// <summary>The chosen users, clearest taste first.</summary>
    /// <param name="candidates">Users with likes, in a stable order.</param>
    /// <param name="count">How many to choose; fewer come where there are fewer.</param>
    public static IReadOnlyList<UserPayload> Pick(IReadOnlyList<UserPayload> candidates, int count)
    {
        var tastes = Tastes([.. candidates.Where(candidate => candidate.Tags.Count > 0)]);
        var chosen = new List<Taste>();
        while (chosen.Count < Math.Min(count, tastes.Count))
        {
            chosen.Add(tastes
                .Where(taste => !chosen.Contains(taste))
                .MaxBy(taste => taste.Clarity - chosen.Select(other => Cosine(taste.Weights, other.Weights)).DefaultIfEmpty(0).Max())!);
        }

        // Without tags there is no taste to see: show whoever there is.
        var rest = candidates.Where(candidate => chosen.All(taste => taste.Payload.UserId != candidate.UserId));
        return [.. chosen.Select(taste => taste.Payload).Concat(rest).Take(count)];
    }

    /// <summary>The tags that set a user apart: liked often, and rare among the others.</summary>
    public static IReadOnlyList<string> TopTags(UserPayload user, IReadOnlyList<UserPayload> candidates, int count) =>
        [.. Tastes(candidates).First(taste => taste.Payload.UserId == user.UserId).Weights
            .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Take(count).Select(pair => pair.Key)];

    private static List<Taste> Tastes(IReadOnlyList<UserPayload> users)
    {
        var having = users.SelectMany(user => user.Tags.Distinct()).CountBy(tag => tag).ToDictionary();
        return [.. users.Select(user =>
        {
            var weights = user.Tags.CountBy(tag => tag)
                .ToDictionary(pair => pair.Key, pair => pair.Value * Math.Log(1.0 + (double)users.Count / having[pair.Key]));
            var norm = Math.Sqrt(weights.Values.Sum(weight => weight * weight));
            var unit = weights.ToDictionary(pair => pair.Key, pair => norm > 0 ? pair.Value / norm : 0);
            return new Taste(user, unit, unit.Values.DefaultIfEmpty(0).OrderDescending().Take(3).Sum() / Math.Sqrt(3));
        })];
    }

    private static double Cosine(Dictionary<string, double> left, Dictionary<string, double> right) =>
        left.Sum(pair => right.TryGetValue(pair.Key, out var other) ? pair.Value * other : 0);

    /// <param name="Weights">Unit vector over tags, count × rarity.</param>
    /// <param name="Clarity">Share of the vector in its three largest entries, 0..1.</param>
    private sealed record Taste(UserPayload Payload, Dictionary<string, double> Weights, double Clarity);
}
