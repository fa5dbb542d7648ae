using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>
/// Where the vectors of a name lie and how far they spread: (x − mean) ÷ std has mean 0 and a mean square length of 1, as heavy as a bag of
/// words. One number for all columns, so that what lies near stays near.
/// </summary>
/// <param name="Name">Name of the vectors in <c>two_tower.video_features</c>.</param>
/// <param name="Mean">Mean of each column, as many as a vector has.</param>
/// <param name="Std">Root mean square length of x − mean; one of zero is stored as 1.</param>
public sealed record VectorStandardizer(string Name, IReadOnlyList<double> Mean, double Std)
{
    /// <summary>Length of a vector.</summary>
    [JsonIgnore]
    public int Dim => Mean.Count;

    /// <summary>Fits it on the videos that have such a vector.</summary>
    /// <param name="name">Name of the vectors.</param>
    /// <param name="items">The videos that are trained on.</param>
    /// <exception cref="InputException">None has one, or they are of several lengths.</exception>
    public static VectorStandardizer Fit(string name, IReadOnlyCollection<ItemPayload> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var vectors = items.Where(item => item.VideoFeatures?.ContainsKey(name) == true).Select(item => item.VideoFeatures![name]).ToList();
        if (vectors.Count == 0)
        {
            var known = items.SelectMany(item => item.VideoFeatures?.Keys ?? []).Distinct().Order(StringComparer.Ordinal).ToList();
            throw new InputException(
                $"features.video_features names '{name}', and none of the {items.Count} videos that are trained on has such a vector"
                + $"{(known.Count > 0 ? $" (there are {string.Join(", ", known)})" : "")}: load the table video_features (docs/data.md), or leave the name out.");
        }

        var mean = new double[vectors[0].Length];
        foreach (var vector in vectors)
        {
            if (vector.Length != mean.Length)
            {
                throw new InputException($"The vectors '{name}' in video_features have {mean.Length} and {vector.Length} numbers: all of a name must be of one length.");
            }

            for (var i = 0; i < mean.Length; i++) mean[i] += vector[i];
        }

        for (var i = 0; i < mean.Length; i++) mean[i] /= vectors.Count;
        var squares = 0.0;
        foreach (var vector in vectors)
        {
            for (var i = 0; i < mean.Length; i++) squares += (vector[i] - mean[i]) * (vector[i] - mean[i]);
        }

        var spread = Math.Sqrt(squares / vectors.Count);
        return new(name, mean, spread > 1e-9 ? spread : 1);
    }
}
