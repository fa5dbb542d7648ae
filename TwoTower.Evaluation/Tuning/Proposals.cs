using System.Text.Json.Nodes;
using TwoTower.Core.Configuration;
using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Tuning;

/// <summary>
/// What a search tries next. Trial 0 is the recipe itself. Trials 1 to 7, and every eighth from there on, are spread evenly over the space;
/// the others are drawn near one of the three best so far, each setting by a normal step as wide as those three lie apart: the
/// cross-entropy method (Rubinstein 1999) with a kernel about each of the elite. docs/decisions/search.md says why.
/// </summary>
/// <param name="space">What may be set.</param>
/// <param name="seed">The same seed and trials give the same proposal.</param>
internal sealed class Proposals(SearchSpace space, int seed)
{
    private const int Spread = 8;
    private const int Elite = 3;
    private const int Draws = 64;
    private const int Points = 10_000;

    // Coprime to the bases of a Halton sequence: steps of it come to every part of the space.
    private const int Stride = 65_537;

    // Of a range: below it a search would repeat itself, above it near would be anywhere.
    private const double Narrowest = 0.05, Widest = 0.3;

    private readonly ScrambledHalton _spread = new(space.Settings.Count, seed);

    /// <summary>Settings that no trial has had; null: there are none left.</summary>
    /// <param name="number">Number of the trial.</param>
    /// <param name="bestFirst">Settings of the trials so far, the best one first.</param>
    public JsonObject? Next(int number, IReadOnlyList<JsonObject> bestFirst)
    {
        ArgumentNullException.ThrowIfNull(bestFirst);
        if (number == 0) return space.Own;
        var tried = bestFirst.Select(settings => settings.ToJsonString()).ToHashSet(StringComparer.Ordinal);
        var candidates = number < Spread || number % Spread == 0 ? [] : Near(number, bestFirst);
        return candidates.Concat(Even(number)).Select(space.At).FirstOrDefault(settings => !tried.Contains(settings.ToJsonString()));
    }

    private IEnumerable<double[]> Even(int number) =>
        Enumerable.Range(0, Points).Select(attempt => _spread.At(number + (long)attempt * Stride));

    private IEnumerable<double[]> Near(int number, IReadOnlyList<JsonObject> bestFirst)
    {
        var best = bestFirst.Select(space.Locate).OfType<double[]>().Take(Elite).ToArray();
        if (best.Length == 0) yield break;
        var random = new SeededRandom(unchecked(seed * 1_000_003 + number), RandomPurpose.Tuning);
        var widths = Enumerable.Range(0, space.Settings.Count).Select(setting => Width(best, setting)).ToArray();
        for (var draw = 0; draw < Draws; draw++)
        {
            var centre = best[random.Next(best.Length)];
            yield return [.. centre.Select((at, setting) => Reflected(at + random.Normal(1, widths[setting])[0]))];
        }
    }

    private static double Width(double[][] best, int setting)
    {
        var mean = best.Average(point => point[setting]);
        return Math.Clamp(Math.Sqrt(best.Average(point => (point[setting] - mean) * (point[setting] - mean))), Narrowest, Widest);
    }

    // What would leave the cube comes back in.
    private static double Reflected(double coordinate)
    {
        var turned = Math.Abs(coordinate) % 2;
        return turned > 1 ? 2 - turned : turned;
    }
}
