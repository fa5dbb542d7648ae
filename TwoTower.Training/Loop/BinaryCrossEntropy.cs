namespace TwoTower.Training.Loop;

/// <summary>Binary cross-entropy on a logit, which is the score times a scale: −log of the probability given to what was true.</summary>
internal static class BinaryCrossEntropy
{
    /// <summary>With s the logit: max(s, 0) − s·y + log(1 + e^−|s|), which overflows for no score.</summary>
    public static double Loss(double score, byte label, double scale)
    {
        var logit = score * scale;
        return Math.Max(logit, 0) - logit * label + Math.Log(1 + Math.Exp(-Math.Abs(logit)));
    }

    /// <summary>Derivative by the score: scale · (probability − label).</summary>
    public static double Slope(double score, byte label, double scale) => scale * (1 / (1 + Math.Exp(-score * scale)) - label);
}
