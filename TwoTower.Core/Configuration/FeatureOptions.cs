using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Configuration;

/// <summary>Vocabularies, vectors from elsewhere, and where features are computed.</summary>
public sealed record FeatureOptions : IValidatableObject
{
    internal const int DefaultMaxDecisions = 5_000, MostMaxDecisions = 100_000;

    /// <summary>true: the SQL functions compute the features, in training and in serving; false: the process does, from the tables. Both
    /// agree on every row.</summary>
    /// <remarks>false where the database has little CPU to spare; the process then holds what it reads in memory.</remarks>
    public bool UseRpcFeatures { get; init; } = true;

    /// <summary>Most tags in the vocabulary, the most frequent first. 0 leaves tags out.</summary>
    /// <remarks>Raise it where rare tags tell videos apart; each tag is a column of the towers' first layers (2 KB a tower with 512 units).
    /// Lower it for smaller towers.</remarks>
    [Range(0, 100_000)]
    public int MaxTagVocab { get; init; } = 512;

    /// <summary>Videos that a tag must be on to be in the vocabulary.</summary>
    /// <remarks>Raise it where many tags are misspellings or on a handful of videos; rare tags then say nothing. Lower it for a small
    /// catalogue.</remarks>
    [Range(1, int.MaxValue)]
    public int MinTagFreq { get; init; } = 3;

    /// <summary>Most performers in the vocabulary, the most frequent first. 0 leaves performers out.</summary>
    /// <remarks>Raise it where people follow performers; the cost is that of a tag. Lower it for smaller towers.</remarks>
    [Range(0, 100_000)]
    public int MaxActressVocab { get; init; } = 256;

    /// <summary>Videos that a performer must be in to be in the vocabulary.</summary>
    /// <remarks>Raise it to leave out who appears once or twice; lower it for a small catalogue.</remarks>
    [Range(1, int.MaxValue)]
    public int MinActressFreq { get; init; } = 2;

    /// <summary>Latest decisions of a user that count, in training and in serving; earlier ones only keep their videos out of the
    /// answers.</summary>
    /// <remarks>It bounds what a request reads of a user. Lower it where requests of heavy users take long; raise it where long histories
    /// say more.</remarks>
    // Not written where it is the default (RecipeReader.ToNode): releases from before there was one stay what they were, byte for byte.
    [Range(1, MostMaxDecisions)]
    public int MaxDecisions { get; init; } = DefaultMaxDecisions;

    /// <summary>Names of vectors in the table two_tower.video_features (of images, sounds, texts, made elsewhere) that the item tower
    /// reads, in the order of its input.</summary>
    /// <remarks>Add what tells new videos apart; each adds its length to the item tower's input, and its vectors must be kept up to
    /// date.</remarks>
    // Null, also for an empty list: none. Not written where there are none: releases without them stay what they were, byte for byte.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? VideoFeatures { get; init => field = value is { Count: > 0 } ? value : null; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var name in VideoFeatures ?? [])
        {
            if (name is null || !VideoFeatureName.IsValid(name)) yield return new($"video_features has '{name}'; a name is {VideoFeatureName.Allowed}.");
            if (VideoFeatures!.Count(other => other == name) > 1) yield return new($"video_features has '{name}' twice; name each once.");
        }
    }
}
