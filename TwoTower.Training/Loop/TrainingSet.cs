using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TwoTower.Core.Features;
using TwoTower.Training.Randomness;
using TwoTower.Training.Samples;

namespace TwoTower.Training.Loop;

/// <summary>
/// What a training reads: the vectors of each distinct user and video once, and samples as pairs of indices. No sample matrix.
/// </summary>
internal sealed class TrainingSet
{
    /// <summary>Splits the samples at random into training and held-out rows.</summary>
    /// <param name="users">Vectors in the order of <see cref="SampleSet.Users"/>.</param>
    /// <param name="items">Vectors in the order of <see cref="SampleSet.Videos"/>.</param>
    /// <param name="heldOut">Share held out, rounded up to whole rows.</param>
    /// <param name="seed">The recipe's seed.</param>
    /// <exception cref="NothingToTrainException">One side comes out empty.</exception>
    public TrainingSet(FeatureMatrix users, FeatureMatrix items, SampleSet samples, double heldOut, int seed)
    {
        ArgumentNullException.ThrowIfNull(users);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(samples);
        if (users.Count != samples.Users.Count || items.Count != samples.Videos.Count)
        {
            throw new ArgumentException(
                $"{users.Count} user and {items.Count} item vectors for {samples.Users.Count} users and {samples.Videos.Count} videos.");
        }

        (Users, Items, UserIndex, ItemIndex) = (users, items, samples.UserIndex, samples.VideoIndex);
        Labels = Array.ConvertAll(samples.Type, t => (byte)(t == SampleType.Like ? 1 : 0));
        SampledNegatives = samples.Type.Count(t => t == SampleType.SampledNegative);

        var rows = new int[samples.Count];
        for (var i = 0; i < rows.Length; i++) rows[i] = i;
        new SeededRandom(seed, RandomPurpose.Split).Shuffle<int>(rows);
        var validation = (int)Math.Ceiling(rows.Length * heldOut);
        if (validation == 0 || validation == rows.Length)
        {
            throw new NothingToTrainException(
                $"Of {rows.Length} samples {validation} would be held out (train_val_split {heldOut}): both sides need at least one.");
        }

        ValidationRows = rows[..validation];
        TrainingRows = rows[validation..];
        // Ascending: what is trained on doesn't depend on the order that the split came in.
        Array.Sort(ValidationRows);
        Array.Sort(TrainingRows);
    }

    /// <summary>Vectors of the distinct users.</summary>
    public FeatureMatrix Users { get; }

    /// <summary>Vectors of the distinct videos.</summary>
    public FeatureMatrix Items { get; }

    /// <summary>Per sample, the row of <see cref="Users"/>.</summary>
    public int[] UserIndex { get; }

    /// <summary>Per sample, the row of <see cref="Items"/>.</summary>
    public int[] ItemIndex { get; }

    /// <summary>Per sample, 1 for a like.</summary>
    public byte[] Labels { get; }

    /// <summary>Samples that are nobody's decision.</summary>
    public int SampledNegatives { get; }

    /// <summary>Samples that are trained on.</summary>
    public int[] TrainingRows { get; }

    /// <summary>Samples that are held out.</summary>
    public int[] ValidationRows { get; }

    /// <summary>Hash of vectors, samples and split: equal only for equal data.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var matrix in new[] { Users, Items })
        {
            Append<int>([matrix.Count, matrix.DenseDim, matrix.SparseDim]);
            Append<float>(matrix.Dense);
            Append<int>(matrix.Offsets);
            Append<int>(matrix.Indices);
            Append<float>(matrix.Values);
        }

        Append<int>(UserIndex);
        Append<int>(ItemIndex);
        Append<byte>(Labels);
        Append<int>(ValidationRows);
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append<T>(ReadOnlySpan<T> values) where T : unmanaged => hash.AppendData(MemoryMarshal.AsBytes(values));
    }
}
