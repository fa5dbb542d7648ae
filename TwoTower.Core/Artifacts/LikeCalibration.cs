using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// <c>calibration.json</c>: what makes a probability of a release's score. P(like | decided) = σ(slope × score + intercept + rate weight ×
/// logit(r)), r being the user's own share of likes, (likes + prior likes) ÷ (decisions + prior likes + prior nopes): Platt scaling with a
/// second input, since how readily somebody likes says as much as what the video is.
/// </summary>
/// <param name="Slope">Of the score, above 0: the order of a user's videos is the score's.</param>
/// <param name="Intercept">Added.</param>
/// <param name="RateWeight">Of logit(r).</param>
/// <param name="PriorLikes">Likes that a user is taken to have beside the own ones, above 0.</param>
/// <param name="PriorNopes">Nopes of the same kind, above 0.</param>
/// <param name="Users">Users that it was fitted on; none of them was trained on.</param>
/// <param name="Likes">Likes that it was fitted on.</param>
/// <param name="Nopes">Nopes that it was fitted on.</param>
public sealed record LikeCalibration(
    double Slope, double Intercept, double RateWeight, double PriorLikes, double PriorNopes, int Users, int Likes, int Nopes)
{
    /// <summary>The probability that a user who decides on a video likes it, 0..1.</summary>
    /// <param name="score">The release's score of user and video, a cosine −1..1.</param>
    /// <param name="decisions">The user's, as the payload of the score has them.</param>
    public double Of(double score, DecisionStats decisions) =>
        1 / (1 + Math.Exp(-(Slope * score + Intercept + RateWeight * RateLogit(decisions, PriorLikes, PriorNopes))));

    /// <summary>Log-odds of a user's share of likes, smoothed.</summary>
    public static double RateLogit(DecisionStats decisions, double priorLikes, double priorNopes)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        return Math.Log((decisions.LikeCount + priorLikes) / (decisions.NopeCount + priorNopes));
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">It isn't JSON of this shape, or no calibration: a slope that isn't above 0, a number that isn't one.</exception>
    public static LikeCalibration Parse(ReadOnlySpan<byte> json, string source) =>
        BundleJson.Read<LikeCalibration>(json, source).Checked(source);

    /// <summary>The file's bytes.</summary>
    public byte[] ToJson() => BundleJson.Write(this);

    /// <summary>Itself, where it is one that can be served.</summary>
    internal LikeCalibration Checked(string source)
    {
        if (!double.IsFinite(Slope) || Slope <= 0) throw Refuse("slope", Slope, "above 0");
        if (!double.IsFinite(Intercept)) throw Refuse("intercept", Intercept, "a finite number");
        if (!double.IsFinite(RateWeight)) throw Refuse("rate_weight", RateWeight, "a finite number");
        if (!double.IsFinite(PriorLikes) || PriorLikes <= 0) throw Refuse("prior_likes", PriorLikes, "above 0");
        if (!double.IsFinite(PriorNopes) || PriorNopes <= 0) throw Refuse("prior_nopes", PriorNopes, "above 0");
        return this;

        InputException Refuse(string key, double value, string allowed) =>
            new(FormattableString.Invariant($"{source}: {key} is {value}; it must be {allowed}."));
    }
}
