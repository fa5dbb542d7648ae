using System.ComponentModel.DataAnnotations;

namespace TwoTower.Core.Configuration;

/// <summary>
/// A user tower that reads the history itself: the sums of vectors of the liked and of the noped videos. It learns to answer as three
/// closed-form models do together (docs/recipes.md); <c>samples</c> and <c>training</c> but for its batch, epochs and rates aren't used.
/// </summary>
public sealed record HistoryOptions
{
    /// <summary>True trains this; false the towers of statistics (recipe v2).</summary>
    public bool Enabled { get; init; }

    /// <summary>Most videos that get vectors of their own, those with the most decisions; the others live by their content. Memory grows with its square.</summary>
    [Range(16, 20_000)]
    public int MaxItems { get; init; } = 5000;

    /// <summary>Added to the number of decisions that a history's sums are divided by: how much of it a user needs to be known.</summary>
    [Range(0.0, 1e6)]
    public double Smoothing { get; init; } = 10;

    /// <summary>Linear item-to-item model: λ of its ridge.</summary>
    [Range(1e-3, 1e9)]
    public double Ridge { get; init; } = 350;

    /// <summary>Linear model: what a nope should score below a video without a decision, where a like is 1 above.</summary>
    [Range(0.0, 10.0)]
    public double NopeTarget { get; init; } = 0.3;

    /// <summary>Linear model: a user with n decisions weighs (n + 5)^−this; 0 counts decisions, 1 users.</summary>
    [Range(0.0, 1.0)]
    public double UserWeight { get; init; } = 0.5;

    /// <summary>Linear model: what the cosine of two videos' tags and performers weighs beside the users who decided on both; 0 leaves content out.</summary>
    [Range(0.0, 1e6)]
    public double ContentWeight { get; init; } = 130;

    /// <summary>Factors of the likes: a tag or performer of at most this share of the videos counts as a user who likes those; 0 leaves content out.</summary>
    [Range(0.0, 1.0)]
    public double TokenShare { get; init; } = 0.02;

    /// <summary>Factors of the likes (iALS): their number.</summary>
    [Range(2, 1024)]
    public int Factors { get; init; } = 128;

    /// <summary>Factors of the likes: λ, scaled by frequency.</summary>
    [Range(1e-6, 1e3)]
    public double FactorsRegularization { get; init; } = 0.012;

    /// <summary>Factors of the likes: what a pair without a like weighs.</summary>
    [Range(1e-6, 1e3)]
    public double UnobservedWeight { get; init; } = 0.05;

    /// <summary>Passes over both sides, for both kinds of factors.</summary>
    [Range(1, 1000)]
    public int Sweeps { get; init; } = 8;

    /// <summary>Factors of like against nope, on decisions only: their number.</summary>
    [Range(2, 256)]
    public int TasteFactors { get; init; } = 32;

    /// <summary>Factors of like against nope: λ.</summary>
    [Range(1e-3, 1e6)]
    public double TasteRegularization { get; init; } = 6;

    /// <summary>Share of the factors of the likes in the score; the linear model has the rest.</summary>
    [Range(0.0, 1.0)]
    public double FactorsShare { get; init; } = 0.6;

    /// <summary>Weight of the logarithm of the like probability in the score.</summary>
    [Range(0.0, 100.0)]
    public double TasteWeight { get; init; } = 1.3;

    /// <summary>What a standard deviation of log popularity costs a video: less of the same for everybody.</summary>
    [Range(0.0, 100.0)]
    public double PopularityDiscount { get; init; } = 0.7;

    /// <summary>After how many days a like counts 1 / e for what is liked of late.</summary>
    [Range(0.01, 1e5)]
    public double TrendDays { get; init; } = 365;

    /// <summary>Weight of the trend in the score: log of a video's likes of late over what its popularity would make of them; 0 leaves times out.</summary>
    [Range(0.0, 100.0)]
    public double TrendWeight { get; init; } = 1;

    /// <summary>
    /// How much more a video's scores count that is often at the head of answers, when these are cut down to the model's dimensions:
    /// a power of how often; 0: all count alike.
    /// </summary>
    [Range(0.0, 2.0)]
    public double HeadWeight { get; init; } = 0.5;

    /// <summary>Histories that the user tower learns from, for each user: the whole one, and parts of it, every other mixed with a part of another user's.</summary>
    [Range(1, 100)]
    public int Copies { get; init; } = 8;

    /// <summary>Users at most whose histories the user tower learns from.</summary>
    [Range(1, 1_000_000)]
    public int MaxUsers { get; init; } = 20_000;

    /// <summary>Ridge of the content: how much a vector that is guessed from tags and performers keeps to the mean.</summary>
    [Range(1e-6, 1e6)]
    public double ContentRidge { get; init; } = 3;

    /// <summary>How far the scores of a video without a vector of its own are put back, in standard deviations of a model's scores.</summary>
    [Range(0.0, 100.0)]
    public double ColdDiscount { get; init; } = 0.75;
}
