namespace TwoTower.Core.Artifacts;

/// <summary>
/// The weights of one tower, as numbers: Linear → ReLU → (Dropout) → … → Linear → L2 normalise. What a checkpoint holds and an ONNX
/// graph is written from.
/// </summary>
/// <param name="Layers">The linear layers, input side first.</param>
public sealed record TowerWeights(IReadOnlyList<LinearWeights> Layers)
{
    /// <summary>Length of the input vector.</summary>
    public int InputDim => Layers[0].InputDim;

    /// <summary>Length of the embedding.</summary>
    public int EmbeddingDim => Layers[^1].OutputDim;
}

/// <summary>One linear layer, y = W·x + b.</summary>
/// <param name="InputDim">Columns of W.</param>
/// <param name="OutputDim">Rows of W, length of b.</param>
/// <param name="Weight">W, row-major, [OutputDim × InputDim], as torch stores it.</param>
/// <param name="Bias">b, [OutputDim].</param>
public sealed record LinearWeights(int InputDim, int OutputDim, float[] Weight, float[] Bias);
