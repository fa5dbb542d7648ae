namespace TwoTower.Core.Artifacts;

/// <summary>
/// A tower's forward pass in plain double precision: what its weights give, whatever ONNX Runtime makes of the graph that was written from
/// them. Slow, for a few dozen rows.
/// </summary>
internal static class TowerForward
{
    /// <summary>The embedding, [EmbeddingDim], of length 1 (all zeros stay so).</summary>
    /// <param name="tower">The weights.</param>
    /// <param name="features">[InputDim].</param>
    /// <param name="normalize">False: as the last layer gives it.</param>
    public static float[] Encode(TowerWeights tower, ReadOnlySpan<float> features, bool normalize = true)
    {
        var current = new double[features.Length];
        for (var i = 0; i < features.Length; i++) current[i] = features[i];
        for (var l = 0; l < tower.Layers.Count; l++)
        {
            var layer = tower.Layers[l];
            var next = new double[layer.OutputDim];
            for (var row = 0; row < next.Length; row++)
            {
                double sum = layer.Bias[row];
                var weights = layer.Weight.AsSpan(row * layer.InputDim, layer.InputDim);
                for (var i = 0; i < weights.Length; i++) sum += weights[i] * current[i];
                next[row] = l < tower.Layers.Count - 1 ? Math.Max(0, sum) : sum;
            }

            current = next;
        }

        var length = !normalize ? 1 : Math.Max(1e-12, Math.Sqrt(current.Sum(x => x * x)));
        return Array.ConvertAll(current, x => (float)(x / length));
    }
}
