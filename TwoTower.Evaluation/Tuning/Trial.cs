using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core.Formats;

namespace TwoTower.Evaluation.Tuning;

/// <summary>A finished trial: settings and what came of them; a line of <c>trials.jsonl</c>.</summary>
/// <param name="Number">0 for the recipe itself, then in order.</param>
/// <param name="Settings">Keys of the recipe and their values.</param>
/// <param name="Seeds">What it was trained with.</param>
/// <param name="Metrics">Means over users and seeds, by the keys of an evaluation's <c>metrics</c>; empty where it failed.</param>
/// <param name="Seconds">To train and to ask, all seeds together.</param>
/// <param name="FinishedAt">When it was done.</param>
/// <param name="Failed">Why there are no metrics; null where there are.</param>
internal sealed record Trial(
    int Number, JsonObject Settings, IReadOnlyList<int> Seeds, IReadOnlyDictionary<string, double> Metrics, double Seconds,
    DateTimeOffset FinishedAt,
    string? Failed = null)
{
    /// <summary>The line, without its end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, SnakeCaseJson.Checked);
}
