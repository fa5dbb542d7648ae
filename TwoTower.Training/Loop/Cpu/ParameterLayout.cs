using TwoTower.Core.Artifacts;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// Where each weight of both towers lies in one flat array, so that the gradient's norm and the optimiser are one pass over memory. The
/// first layer lies input-major ([inputs × outputs]): a token of the multi-hot tail is then one contiguous row.
/// </summary>
internal sealed class ParameterLayout
{
    // Floats in a cache line: no two workers write the same line, and vector loads are aligned.
    private const int Alignment = 16;

    public ParameterLayout((TowerWeights User, TowerWeights Item) shape)
    {
        User = Place(shape.User);
        Item = Place(shape.Item);
    }

    /// <summary>Layers of the user tower, input side first.</summary>
    public IReadOnlyList<Layer> User { get; }

    /// <summary>Layers of the item tower, input side first.</summary>
    public IReadOnlyList<Layer> Item { get; }

    /// <summary>Floats of the flat array, padding included; padding is zero and stays zero.</summary>
    public int Length { get; private set; }

    public void Write((TowerWeights User, TowerWeights Item) towers, FloatBuffer flat)
    {
        foreach (var (layer, weights) in User.Zip(towers.User.Layers).Concat(Item.Zip(towers.Item.Layers)))
        {
            var target = flat.Span(layer.Weight, layer.Inputs * layer.Outputs);
            if (layer.InputMajor) Transpose(weights.Weight, layer.Outputs, layer.Inputs, target);
            else weights.Weight.CopyTo(target);
            weights.Bias.CopyTo(flat.Span(layer.Bias, layer.Outputs));
        }
    }

    public (TowerWeights User, TowerWeights Item) Read(FloatBuffer flat) => (Read(User, flat), Read(Item, flat));

    private static TowerWeights Read(IReadOnlyList<Layer> layers, FloatBuffer flat) => new([.. layers.Select(layer =>
    {
        var source = flat.Span(layer.Weight, layer.Inputs * layer.Outputs);
        var weight = new float[source.Length];
        if (layer.InputMajor) Transpose(source, layer.Inputs, layer.Outputs, weight);
        else source.CopyTo(weight);
        return new LinearWeights(layer.Inputs, layer.Outputs, weight, flat.Span(layer.Bias, layer.Outputs).ToArray());
    })]);

    private static void Transpose(ReadOnlySpan<float> source, int rows, int columns, Span<float> target)
    {
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++) target[c * rows + r] = source[r * columns + c];
        }
    }

    private List<Layer> Place(TowerWeights tower) =>
        [.. tower.Layers.Select(
            (layer, l) => new Layer(layer.InputDim, layer.OutputDim, Take(layer.Weight.Length), Take(layer.Bias.Length), l == 0))];

    private int Take(int floats)
    {
        var start = Length;
        Length = checked((start + floats + Alignment - 1) / Alignment * Alignment);
        return start;
    }

    /// <summary>One linear layer's place.</summary>
    /// <param name="Inputs">Inputs of the layer.</param>
    /// <param name="Outputs">Outputs of the layer.</param>
    /// <param name="Weight">Start of its weights.</param>
    /// <param name="Bias">Start of its bias.</param>
    /// <param name="InputMajor">True for [inputs × outputs], false for [outputs × inputs].</param>
    public sealed record Layer(int Inputs, int Outputs, int Weight, int Bias, bool InputMajor);
}
