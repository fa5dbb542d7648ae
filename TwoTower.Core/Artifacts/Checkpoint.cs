using System.Text.Json.Serialization;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// What a training leaves behind (contract, section 6): both towers as they were in the best epoch, the fitted pipeline, the recipe, the
/// story of the training, and what a later process needs to go on as if nothing had happened.
/// </summary>
public sealed record Checkpoint
{
    /// <summary>The recipe that was trained.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Vocabularies, standardisers, reference release, as-of.</summary>
    public required PipelineState Pipeline { get; init; }

    /// <summary>The user tower of the best epoch.</summary>
    public required TowerWeights User { get; init; }

    /// <summary>The item tower of the best epoch.</summary>
    public required TowerWeights Item { get; init; }

    /// <summary>What was trained on, and how each epoch went.</summary>
    public required TrainingSummary Training { get; init; }

    /// <summary>A few videos as they were in training: what the release's item tower is probed with. Empty: made-up ones are.</summary>
    public IReadOnlyList<ItemPayload> Probes { get; init; } = [];

    /// <summary>Present where the user tower reads histories (recipe v3).</summary>
    public HistoryModel? History { get; init; }

    /// <summary>Present where the recipe asks for it (<c>serving.like_probability</c>) and enough was held out to fit it on.</summary>
    public LikeCalibration? Calibration { get; init; }

    /// <summary>Present in a checkpoint that a training can resume from.</summary>
    public ResumeState? Resume { get; init; }
}

/// <summary>What a model whose user tower reads the history has beside its two towers.</summary>
/// <param name="Tower">Item features → history vector, [2 × half], not normalised: what a like and what a nope of the video adds.</param>
/// <param name="Ids">The videos' own part of the item features.</param>
public sealed record HistoryModel(TowerWeights Tower, ItemIds Ids)
{
    /// <summary>Length of a half.</summary>
    public int Half => Tower.EmbeddingDim / 2;
}

/// <summary>What was trained on and how it went. Nothing here depends on the speed or the time of the run.</summary>
/// <param name="Users">Distinct users of the samples.</param>
/// <param name="Items">Distinct videos of the samples.</param>
/// <param name="TrainingSamples">Rows that were trained on.</param>
/// <param name="ValidationSamples">Rows that were held out.</param>
/// <param name="Positives">Rows of both sides with label 1.</param>
/// <param name="SampledNegatives">Rows of both sides that are nobody's decision.</param>
/// <param name="BestEpoch">The epoch, from 1, whose weights are kept.</param>
/// <param name="Epochs">Each epoch in order.</param>
public sealed record TrainingSummary(
    int Users, int Items, int TrainingSamples, int ValidationSamples, int Positives, int SampledNegatives, int BestEpoch,
    IReadOnlyList<EpochMetrics> Epochs)
{
    /// <summary>How the settings that the recipe leaves to the data were chosen; null: none were.</summary>
    // Not written where there is none: releases of recipes that choose nothing stay what they were, byte for byte.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChosenSettings? Chosen { get; init; }
}

/// <summary>Settings that were chosen on users whom the fit left out: a fifth of their likes was to be found from the rest.</summary>
/// <param name="Objective">What was to be as large as can be: the mean of this metric over the users.</param>
/// <param name="Users">How many users were asked.</param>
/// <param name="Unit">d, the mean diagonal of the linear model's matrix: what ridge_per_d and content_weight_per_d are multiplied with.</param>
/// <param name="Values">Each key with its value, as it was trained with.</param>
/// <param name="Popularity">What popularity alone reaches.</param>
/// <param name="Reached">What the chosen settings reach.</param>
/// <param name="GainLow"><paramref name="Reached"/> − <paramref name="Popularity"/>, less 1.96 standard errors of that paired difference.</param>
/// <param name="GainHigh">The same and 1.96 standard errors.</param>
/// <param name="ServesPopularity">True: the chosen settings aren't better than popularity beyond chance, and popularity is what the release serves.</param>
/// <param name="Tried">Everything that was tried, in order.</param>
public sealed record ChosenSettings(
    string Objective, int Users, double Unit, IReadOnlyDictionary<string, double> Values, double Popularity, double Reached, double GainLow,
    double GainHigh,
    bool ServesPopularity, IReadOnlyList<TriedSettings> Tried);

/// <summary>Settings that were tried.</summary>
/// <param name="Values">Each key with its value; ridge and content_weight in units of <see cref="ChosenSettings.Unit"/> where the recipe has them per d.</param>
/// <param name="Mean">The objective.</param>
/// <param name="UAuc">P(left-out like scored above a left-out nope); null where nobody has both.</param>
/// <param name="Kept">True: better than what was kept before, beyond half of the standard error of the difference.</param>
public sealed record TriedSettings(IReadOnlyDictionary<string, double> Values, double Mean, double? UAuc, bool Kept);

/// <summary>One epoch's numbers.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="TrainingLoss">Mean over the epoch's samples, dropout on, weights changing.</param>
/// <param name="ValidationLoss">Mean over the held-out samples, dropout off, at the end of the epoch.</param>
/// <param name="ValidationAccuracy">Share of the held-out samples on the right side of probability .5.</param>
/// <param name="GradientNorm">Mean over the steps, before clipping.</param>
public sealed record EpochMetrics(int Epoch, double TrainingLoss, double ValidationLoss, double ValidationAccuracy, double GradientNorm);

/// <summary>The state of a training between two epochs.</summary>
public sealed record ResumeState
{
    /// <summary>The user tower as the last epoch left it (the checkpoint's own is the best epoch's).</summary>
    public required TowerWeights User { get; init; }

    /// <summary>The item tower as the last epoch left it.</summary>
    public required TowerWeights Item { get; init; }

    /// <summary>AdamW's mean of gradients, user tower then item tower.</summary>
    public required (TowerWeights User, TowerWeights Item) FirstMoment { get; init; }

    /// <summary>AdamW's mean of squared gradients, user tower then item tower.</summary>
    public required (TowerWeights User, TowerWeights Item) SecondMoment { get; init; }

    /// <summary>Optimiser steps taken.</summary>
    public required long Step { get; init; }

    /// <summary>Epochs finished.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs in a row without an improvement.</summary>
    public required int EpochsWithoutImprovement { get; init; }

    /// <summary>State of the generator behind shuffling and dropout.</summary>
    public required IReadOnlyList<ulong> Random { get; init; }

    /// <summary>Hash of samples and features: a checkpoint goes on only with the data it was made from.</summary>
    public required string DataFingerprint { get; init; }

    /// <summary>What computed it; null in checkpoints of before this was noted.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>True once the training is over and its release registered; null in checkpoints of before this was noted.</summary>
    public bool? Finished { get; init; }

    /// <summary>
    /// The date of the release that is being registered; null before and after that. It is part of the release's name: a training that was
    /// killed in between finds its release again by it, and makes no second one.
    /// </summary>
    public DateTimeOffset? ExportedAt { get; init; }
}

/// <summary>What computes a training: the same numbers need the same device, shortcuts and threads.</summary>
/// <param name="Device">cpu or cuda.</param>
/// <param name="Shortcuts">Which shortcuts the CPU took.</param>
/// <param name="Threads">Threads: another number gives other roundings.</param>
public sealed record Arithmetic(string Device, string Shortcuts, int Threads);
