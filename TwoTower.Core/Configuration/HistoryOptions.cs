using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Configuration;

/// <summary>
/// How a user tower that reads the history is learned: it learns to answer as three closed-form models do together (docs/recipes.md). Three
/// keys are worth a thought on new data (max_items, popularity_discount, cold_discount); the others are advanced, and were found by a
/// search.
/// </summary>
[Category(Advanced)]
public sealed record HistoryOptions : IValidatableObject
{
    /// <summary>Keys that a search sets rather than a person.</summary>
    internal const string Advanced = "advanced";

    /// <summary>Keys that a person sets, who knows the catalogue.</summary>
    internal const string Everyday = "everyday";

    /// <summary>What <see cref="Choose"/> may name.</summary>
    internal static readonly IReadOnlyList<string> Choosable =
        ["max_items", "ridge", "content_weight", "factors_share", "taste_weight", "popularity_discount", "trend_weight"];

    /// <summary>Keys that say one thing in two units: the absolute value, and the value per d.</summary>
    internal static readonly IReadOnlyList<(string Absolute, string PerD)> Units =
        [("ridge", "ridge_per_d"), ("content_weight", "content_weight_per_d")];

    /// <summary>
    /// Keys of this section that the training chooses on users whom it leaves out for that; their values are where it begins (of ridge and
    /// content_weight those per d, where there are any). With max_items in the list every liked video gets vectors of its own: those beyond
    /// max_items, which is doubled where nobody nopes, from factors of all likes.
    /// </summary>
    /// <remarks>A key that is set by hand leaves the list, and has that value. Empty: the recipe's values as they are.</remarks>
    // Null, also for an empty list: none. Not written where there are none: releases of recipe v3 stay what they were, byte for byte.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Choose { get; init => field = value is { Count: > 0 } ? value : null; }

    /// <summary>
    /// How many videos the linear model has, which get vectors of their own: those with the most decisions. The others live by their
    /// content, or, with max_items in choose, by the factors of all likes.
    /// </summary>
    /// <remarks>
    /// Raise it where more videos than this have a dozen decisions or more. The training takes memory with its square and time with its
    /// cube: about
    /// 1.6 GB for 5,000, 6.4 GB for 10,000, 26 GB for 20,000, and a quarter of it where nobody nopes. Lower it where memory is short; what
    /// is left out is ranked by content alone, or by factors.
    /// </remarks>
    [Range(16, 40_000), Category(Everyday)]
    public int MaxItems { get; init; } = 5000;

    /// <summary>Added to the number of decisions that a history's sums are divided by: how much of it a user needs to be known.</summary>
    /// <remarks>Raise it so that users with few decisions get answers nearer to everybody's; lower it so that a few decisions count for
    /// more, and mislead more.</remarks>
    [Range(0.0, 1e6)]
    public double Smoothing { get; init; } = 10;

    /// <summary>Linear item-to-item model: λ of its ridge.</summary>
    /// <remarks>Raise it on sparse data, where single coincidences count for too much; common patterns are flattened with them. Lower it on
    /// much data.</remarks>
    [Range(1e-3, 1e9)]
    public double Ridge { get; init; } = 350;

    /// <summary>The same in units of the data: λ is this times d, the mean diagonal of the model's matrix (the weighted likes of a video in
    /// the mean).</summary>
    /// <remarks>Give it in place of ridge for data of a size that you don't know; of the two, the one that is set last holds.</remarks>
    // Not written where there is none: releases of recipe v3 stay what they were, byte for byte.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(1e-6, 1e6)]
    public double? RidgePerD { get; init; }

    /// <summary>Linear model: what a nope should score below a video without a decision, where a like is 1 above.</summary>
    /// <remarks>Raise it to show less of what is like the noped; videos that are liked beside it sink, too. Lower it where nopes are
    /// careless; 0 takes a nope for no decision.</remarks>
    [Range(0.0, 10.0)]
    public double NopeTarget { get; init; } = 0.3;

    /// <summary>Linear model: a user with n decisions weighs (n + 5)^−this; 0 counts decisions, 1 users.</summary>
    /// <remarks>Raise it where a few busy users speak for all; their data, which is the most, then counts for less. Lower it where busy
    /// users know best.</remarks>
    [Range(0.0, 1.0)]
    public double UserWeight { get; init; } = 0.5;

    /// <summary>Linear model: what the cosine of two videos' tags and performers weighs beside the users who decided on both; 0 leaves
    /// content out.</summary>
    /// <remarks>Raise it where tags are good and decisions few; answers grow more alike in tags. Lower it where tags are poor.</remarks>
    [Range(0.0, 1e6)]
    public double ContentWeight { get; init; } = 130;

    /// <summary>The same in units of the data: the weight is this times d, as in ridge_per_d.</summary>
    /// <remarks>Give it in place of content_weight for data of a size that you don't know; of the two, the one that is set last
    /// holds.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), Range(0.0, 1e6)]
    public double? ContentWeightPerD { get; init; }

    /// <summary>Factors of the likes: a tag or performer of at most this share of the videos counts as a user who likes those; 0 leaves
    /// content out.</summary>
    /// <remarks>Raise it to let commoner tags in; each costs time as a user does. Lower it where only rare tags say something.</remarks>
    [Range(0.0, 1.0)]
    public double TokenShare { get; init; } = 0.02;

    /// <summary>Factors of the likes (iALS): their number.</summary>
    /// <remarks>Raise it on much data; time grows with its square and more. Lower it for speed.</remarks>
    [Range(2, 1024)]
    public int Factors { get; init; } = 128;

    /// <summary>Factors of the likes: λ, scaled by frequency.</summary>
    /// <remarks>Raise it on sparse data; answers grow more alike. Lower it on much data; it then learns by heart sooner.</remarks>
    [Range(1e-6, 1e3)]
    public double FactorsRegularization { get; init; } = 0.012;

    /// <summary>Factors of the likes: what a pair without a like weighs.</summary>
    /// <remarks>Raise it where a missing like means little interest; rare videos sink. Lower it where users have seen little of the
    /// catalogue.</remarks>
    [Range(1e-6, 1e3)]
    public double UnobservedWeight { get; init; } = 0.05;

    /// <summary>Passes over both sides, for both kinds of factors.</summary>
    /// <remarks>Raise it where more factors need more passes; the time grows with it. Lower it for speed.</remarks>
    [Range(1, 1000)]
    public int Sweeps { get; init; } = 8;

    /// <summary>Factors of like against nope, on decisions only: their number.</summary>
    /// <remarks>Raise it where each user has many nopes; time grows with its square and more. Lower it where nopes are few.</remarks>
    [Range(2, 256)]
    public int TasteFactors { get; init; } = 32;

    /// <summary>Factors of like against nope: λ.</summary>
    /// <remarks>Raise it where nopes are few; differences between users shrink. Lower it where there are many.</remarks>
    [Range(1e-3, 1e6)]
    public double TasteRegularization { get; init; } = 6;

    /// <summary>Share of the factors of the likes in the score; the linear model has the rest.</summary>
    /// <remarks>Raise it for broader answers; lower it for videos that go closely with single ones of the history. The best share differs
    /// by data: search it.</remarks>
    [Range(0.0, 1.0)]
    public double FactorsShare { get; init; } = 0.6;

    /// <summary>Weight of the logarithm of the like probability in the score.</summary>
    /// <remarks>Raise it to tell likes from nopes better (uAUC); from some point on, fewer of the liked videos are found. Lower it where
    /// nopes are few.</remarks>
    [Range(0.0, 100.0)]
    public double TasteWeight { get; init; } = 1.3;

    /// <summary>Popularity: what a standard deviation of log popularity costs a video; 0: nothing.</summary>
    /// <remarks>
    /// Raise it so that fewer people get the same popular videos; on sparse data it takes away the little that is known. Lower it, down to
    /// 0, where a video has a handful of decisions in the mean: there 0 found more than twice as much (docs/evaluation.md, "A catalogue that is mostly unknown").
    /// Under 0, popular videos come first.
    /// </remarks>
    [Range(-100.0, 100.0), Category(Everyday)]
    public double PopularityDiscount { get; init; } = 0.7;

    /// <summary>After how many days a like counts 1 / e for what is liked of late.</summary>
    /// <remarks>Raise it where tastes change slowly; lower it for news, on enough decisions a day: fewer likes then make a noisier
    /// trend.</remarks>
    [Range(0.01, 1e5)]
    public double TrendDays { get; init; } = 365;

    /// <summary>Weight of the trend in the score: log of a video's likes of late over what its popularity would make of them; 0 leaves
    /// times out.</summary>
    /// <remarks>Raise it where what is liked now is what will be liked; older videos sink. Lower it, down to 0, where times say nothing (an
    /// import that gave all one date).</remarks>
    [Range(0.0, 100.0)]
    public double TrendWeight { get; init; } = 1;

    /// <summary>
    /// How much more a video's scores count that is often at the head of answers, when these are cut down to the model's dimensions:
    /// a power of how often; 0: all count alike.
    /// </summary>
    /// <remarks>Raise it with few dimensions, so that the first videos of an answer stay right; the rest of the order suffers. Lower it
    /// with many.</remarks>
    [Range(0.0, 2.0)]
    public double HeadWeight { get; init; } = 0.5;

    /// <summary>Histories that the user tower learns from, for each user: the whole one, and parts of it, every other mixed with a part of
    /// another user's.</summary>
    /// <remarks>Raise it where users are few; time and memory grow with it. Lower it where they are many.</remarks>
    [Range(1, 100)]
    public int Copies { get; init; } = 8;

    /// <summary>Users at most whose histories the user tower learns from.</summary>
    /// <remarks>Raise it where tastes are many; time and memory grow with it. Lower it for speed.</remarks>
    [Range(1, 1_000_000)]
    public int MaxUsers { get; init; } = 20_000;

    /// <summary>Ridge of the content: how much a vector that is guessed from tags and performers keeps to the mean.</summary>
    /// <remarks>Raise it where tags mislead; new videos grow more alike. Lower it where tags are good.</remarks>
    [Range(1e-6, 1e6)]
    public double ContentRidge { get; init; } = 3;

    /// <summary>Cold videos: how far the scores of a video without a vector of its own are lowered, in standard deviations of a model's
    /// scores.</summary>
    /// <remarks>
    /// Raise it where unknown videos crowd out the known ones (0.75 found a fifth more than 0). Lower it to give new videos a better
    /// chance; what is found falls. It changes nothing where all videos are known.
    /// </remarks>
    [Range(0.0, 100.0), Category(Everyday)]
    public double ColdDiscount { get; init; } = 0.75;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var name in Choose ?? [])
        {
            if (!Choosable.Contains(name)) yield return new($"choose has '{name}'; what can be chosen is {string.Join(", ", Choosable)}.");
            if (Choose!.Count(other => other == name) > 1) yield return new($"choose has '{name}' twice; name each once.");
        }
    }

    /// <summary>True for a key whose value the training chooses.</summary>
    internal bool Chooses(string key) => Choose?.Contains(key) == true;

    /// <summary>False for a key whose value isn't what is trained with: the training chooses it, or the other unit is given.</summary>
    internal bool Uses(string key) => key switch
    {
        "ridge" => RidgePerD is null && !Chooses("ridge"),
        "ridge_per_d" => RidgePerD is not null && !Chooses("ridge"),
        "content_weight" => ContentWeightPerD is null && !Chooses("content_weight"),
        "content_weight_per_d" => ContentWeightPerD is not null && !Chooses("content_weight"),
        _ => !Chooses(key),
    };

    /// <summary>The same with absolute values.</summary>
    /// <param name="d">Mean diagonal of the linear model's matrix, for the data at hand.</param>
    internal HistoryOptions Absolute(double d) => this with
    {
        Ridge = RidgePerD * d ?? Ridge,
        RidgePerD = null,
        ContentWeight = ContentWeightPerD * d ?? ContentWeight,
        ContentWeightPerD = null,
    };
}
