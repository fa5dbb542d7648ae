using TorchSharp;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Factors;

/// <summary>Symmetric, positive definite matrices.</summary>
internal static class PositiveDefinite
{
    /// <summary>Inverts one in place. Cholesky is half of a general inverse's work, and stable.</summary>
    /// <param name="matrix">[size × size], row-major.</param>
    /// <param name="size">Rows and columns.</param>
    public static void Invert(float[] matrix, int size)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        using var scope = torch.NewDisposeScope();
        using var noGradients = torch.no_grad();
        torch.cholesky_inverse(torch.linalg.cholesky(torch.tensor(matrix, [size, size]))).CopyTo(matrix);
    }
}
