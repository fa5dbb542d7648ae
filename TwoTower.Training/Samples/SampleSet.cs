namespace TwoTower.Training.Samples;

/// <summary>Where a sample comes from; the contract's <c>decision_type</c>.</summary>
internal enum SampleType : byte
{
    /// <summary>A nope row: label 0.</summary>
    Nope = 0,

    /// <summary>A like row: label 1.</summary>
    Like = 1,

    /// <summary>A video that the user has not decided on: label 0, no time.</summary>
    SampledNegative = 2,
}

/// <summary>
/// The training rows of contract section 4 as indices: nine bytes a sample, whatever the width of the features.
/// </summary>
/// <param name="Users">Distinct users of the samples, in order of first appearance among the profiles.</param>
/// <param name="Videos">Distinct videos of the samples, in catalogue order.</param>
/// <param name="UserIndex">Per sample, the place in <paramref name="Users"/>.</param>
/// <param name="VideoIndex">Per sample, the place in <paramref name="Videos"/>.</param>
/// <param name="Type">Per sample, where it comes from; the label is 1 for a like.</param>
/// <param name="AsOf">The latest decision in the tables: the time that training features are as of.</param>
internal sealed record SampleSet(
    IReadOnlyList<Guid> Users, IReadOnlyList<Guid> Videos, int[] UserIndex, int[] VideoIndex, SampleType[] Type, DateTimeOffset AsOf)
{
    /// <summary>Samples.</summary>
    public int Count => Type.Length;
}
