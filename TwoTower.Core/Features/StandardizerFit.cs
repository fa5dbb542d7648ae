namespace TwoTower.Core.Features;

/// <summary>Fits standardisers as scikit-learn's StandardScaler does: mean and population standard deviation in double precision.</summary>
internal static class StandardizerFit
{
    /// <summary>Fits one standardiser a column.</summary>
    /// <param name="names">Column names.</param>
    /// <param name="rows">Raw values, one array of <c>names.Count</c> a row; at least one row.</param>
    public static IReadOnlyList<NumericStandardizer> Fit(IReadOnlyList<string> names, IReadOnlyList<double[]> rows)
    {
        if (rows.Count == 0)
        {
            throw new InputException(
                $"There is nothing to fit the standardisers of {string.Join(", ", names)} on: no user or video has a usable decision. "
                + "Import decisions first.");
        }

        return [.. names.Select((name, column) => Fit(name, rows, column))];
    }

    private static NumericStandardizer Fit(string name, IReadOnlyList<double[]> rows, int column)
    {
        var n = rows.Count;
        var mean = 0.0;
        foreach (var row in rows) mean += row[column];
        mean /= n;

        // The sum of deviations would be zero without rounding; taking it out again is what keeps large means exact.
        double squares = 0, drift = 0;
        foreach (var row in rows)
        {
            var deviation = row[column] - mean;
            drift += deviation;
            squares += deviation * deviation;
        }

        var variance = (squares - drift * drift / n) / n;
        const double epsilon = 2.220446049250313e-16;
        var rounding = n * epsilon * variance + Math.Pow(n * mean * epsilon, 2);
        var deviates = variance > rounding;
        return new(name, mean, deviates ? Math.Sqrt(variance) : 1.0);
    }
}
