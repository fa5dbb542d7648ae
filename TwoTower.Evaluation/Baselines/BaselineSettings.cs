using System.Globalization;
using TwoTower.Core;

namespace TwoTower.Evaluation.Baselines;

/// <summary>Settings of baselines that are given, <c>ease.lambda=500</c>; what isn't given is tuned where it can be (<see cref="BaselineTuning"/>).</summary>
internal sealed class BaselineSettings
{
    public const string Lambda = "ease.lambda", Dimensions = "ials.dim", Regularization = "ials.regularization", UnobservedWeight = "ials.unobserved_weight", Epochs = "ials.epochs",
        Neighbours = "item-knn.neighbours";

    private static readonly Dictionary<string, (double Least, double Most, bool IsWhole)> Known = new()
    {
        [Lambda] = (1e-6, 1e9, false),
        [Dimensions] = (2, 1024, true),
        [Regularization] = (1e-6, 1e3, false),
        [UnobservedWeight] = (1e-6, 1e3, false),
        [Epochs] = (1, 1000, true),
        [Neighbours] = (1, 100_000, true),
    };

    private readonly Dictionary<string, double> _given = [];

    /// <summary>None given.</summary>
    public static BaselineSettings None { get; } = Parse([]);

    /// <summary>Reads assignments; of a key twice the last counts.</summary>
    /// <exception cref="InputException">No such key, or not a number of its range.</exception>
    public static BaselineSettings Parse(IEnumerable<string> assignments)
    {
        var settings = new BaselineSettings();
        foreach (var text in assignments)
        {
            var parts = text.Split('=', 2, StringSplitOptions.TrimEntries);
            if (!Known.TryGetValue(parts[0], out var range))
            {
                throw new InputException($"--baseline-set {text}: there is no '{parts[0]}'; write one of {string.Join(", ", Known.Keys)} as {Lambda}=500");
            }

            if (parts.Length < 2 || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                || !(value >= range.Least && value <= range.Most) || (range.IsWhole && value != Math.Floor(value)))
            {
                throw new InputException(
                    $"--baseline-set {text}: {parts[0]} must be a {(range.IsWhole ? "whole " : "")}number between "
                    + string.Create(CultureInfo.InvariantCulture, $"{range.Least} and {range.Most}"));
            }

            settings._given[parts[0]] = value;
        }

        return settings;
    }

    /// <summary>What is given; null where it isn't.</summary>
    public double? Find(string key) => _given.TryGetValue(key, out var value) ? value : null;
}
