namespace TwoTower.Training.Probabilities;

/// <summary>A decision as a calibration sees it.</summary>
/// <param name="Score">The model's score of user and video.</param>
/// <param name="RateLogit">Log-odds of the user's own share of likes before the decision.</param>
/// <param name="IsLike">How the user decided.</param>
internal readonly record struct ScoredDecision(double Score, double RateLogit, bool IsLike);

/// <summary>
/// Logistic regression of likes on score and rate: Platt, "Probabilistic outputs for support vector machines", 1999, with its targets
/// (N₊ + 1) ÷ (N₊ + 2) and 1 ÷ (N₋ + 2) instead of 1 and 0, by Newton's method with the step halved until the loss falls (Lin, Lin and
/// Weng, 2007).
/// </summary>
internal static class PlattScaling
{
    private const int Inputs = 3, MaxSteps = 100, MaxHalvings = 30;
    private const double Converged = 1e-10;

    // Keeps the equations solvable where an input is the same for all, far below what the data say otherwise.
    private const double Ridge = 1e-9;

    /// <summary>Fits slope, intercept and the weight of the rate. The same decisions in the same order give the same numbers.</summary>
    /// <param name="decisions">At least one like and one nope.</param>
    public static (double Slope, double Intercept, double RateWeight) Fit(IReadOnlyList<ScoredDecision> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        var likes = decisions.Count(decision => decision.IsLike);
        var (like, nope) = ((likes + 1.0) / (likes + 2), 1.0 / (decisions.Count - likes + 2));
        double[] weights = [0, Math.Log((likes + 1.0) / (decisions.Count - likes + 1)), 0];
        var loss = Loss(weights);
        for (var step = 0; step < MaxSteps; step++)
        {
            var direction = Direction(weights);
            var (next, nextLoss) = (weights, loss);
            var length = 1.0;
            for (var halving = 0; halving < MaxHalvings; halving++, length /= 2)
            {
                double[] tried = [.. weights.Zip(direction, (weight, change) => weight - length * change)];
                if (Loss(tried) is var lower && lower < loss)
                {
                    (next, nextLoss) = (tried, lower);
                    break;
                }
            }

            var gain = loss - nextLoss;
            (weights, loss) = (next, nextLoss);
            if (gain < Converged * (1 + loss)) break;
        }

        return (weights[0], weights[1], weights[2]);

        double Loss(double[] at) => decisions.Sum(decision =>
        {
            var z = Margin(at, decision);
            // log(1 + e^z) without overflow.
            return Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z))) - (decision.IsLike ? like : nope) * z;
        });

        // Hessian⁻¹ × gradient.
        double[] Direction(double[] at)
        {
            var (gradient, hessian) = (new double[Inputs], new double[Inputs, Inputs]);
            foreach (var decision in decisions)
            {
                var p = 1 / (1 + Math.Exp(-Margin(at, decision)));
                double[] x = [decision.Score, 1, decision.RateLogit];
                for (var i = 0; i < Inputs; i++)
                {
                    gradient[i] += (p - (decision.IsLike ? like : nope)) * x[i];
                    for (var j = 0; j < Inputs; j++) hessian[i, j] += p * (1 - p) * x[i] * x[j];
                }
            }

            for (var i = 0; i < Inputs; i++) hessian[i, i] += Ridge * (1 + hessian[i, i]);
            return Solve(hessian, gradient);
        }
    }

    private static double Margin(double[] weights, ScoredDecision decision) =>
        weights[0] * decision.Score + weights[1] + weights[2] * decision.RateLogit;

    // Gaussian elimination; positive definite, so without pivots.
    private static double[] Solve(double[,] matrix, double[] right)
    {
        for (var pivot = 0; pivot < Inputs; pivot++)
        {
            for (var row = pivot + 1; row < Inputs; row++)
            {
                var factor = matrix[row, pivot] / matrix[pivot, pivot];
                for (var column = pivot; column < Inputs; column++) matrix[row, column] -= factor * matrix[pivot, column];
                right[row] -= factor * right[pivot];
            }
        }

        var solution = new double[Inputs];
        for (var row = Inputs - 1; row >= 0; row--)
        {
            var sum = right[row];
            for (var column = row + 1; column < Inputs; column++) sum -= matrix[row, column] * solution[column];
            solution[row] = sum / matrix[row, row];
        }

        return solution;
    }
}
