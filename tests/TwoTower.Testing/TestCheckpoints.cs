using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;

namespace TwoTower.Testing;

/// <summary>Checkpoints without a training: real towers and a real pipeline, of any size.</summary>
internal static class TestCheckpoints
{
    /// <summary>The golden world's pipeline and start weights: what golden/model.json was computed from. 256 numbers.</summary>
    public static Checkpoint Golden()
    {
        var (user, item) = CheckpointStore.ReadTowers(SafetensorsFile.Read(Path.Combine(Testing.Golden.Folder, "weights_start.safetensors")));
        return Checkpoint(new Recipe(), GoldenPipeline(), user, item);
    }

    /// <summary>The golden world's pipeline and random towers.</summary>
    /// <param name="embeddingDim">Length of an embedding.</param>
    /// <param name="seed">Another seed is another model.</param>
    /// <param name="useRpcFeatures">Where features are computed.</param>
    /// <param name="vectors">Vectors from elsewhere that the item tower reads.</param>
    public static Checkpoint Random(int embeddingDim = 16, int seed = 1, bool useRpcFeatures = true, params VectorStandardizer[] vectors)
    {
        var pipeline = GoldenPipeline() with { VideoFeatures = vectors.Length > 0 ? vectors : null };
        var recipe = new Recipe
        {
            Features =
                new()
                {
                    UseRpcFeatures = useRpcFeatures,
                    MaxTagVocab = 20,
                    MaxActressVocab = 12,
                    VideoFeatures = [.. vectors.Select(vector => vector.Name)]
                },
            Model = new() { HiddenDims = [32, 24], EmbeddingDim = embeddingDim },
        };
        var random = new Random(seed);
        var shared = pipeline.TagTokens.Count + pipeline.PerformerTokens.Count;
        return Checkpoint(
            recipe, pipeline, Tower(random, [9 + shared, 32, 24, embeddingDim]),
            Tower(random, [3 + vectors.Sum(vector => vector.Dim + 1) + shared, 32, 24, embeddingDim]));
    }

    /// <summary>The golden world's pipeline and random towers of histories (recipe v3); every other of the videos given has a part of its
    /// own.</summary>
    public static Checkpoint Histories(
        IReadOnlyList<Guid> videoIds, int embeddingDim = 16, int half = 6, int seed = 1, bool useRpcFeatures = true)
    {
        var basis = Random(embeddingDim, seed, useRpcFeatures);
        var random = new Random(seed + 100);
        Guid[] known = [.. videoIds.Where((_, i) => i % 2 == 0)];
        var idDim = embeddingDim + 2 * half;
        Half[] own = [.. Enumerable.Range(0, known.Length * idDim).Select(_ => (Half)(random.NextDouble() - 0.5))];
        var input = basis.Item.InputDim + idDim;
        return basis with
        {
            Recipe = basis.Recipe with { Kind = RecipeKind.History, Name = "histories", History = new() { Smoothing = 4 } },
            User = Tower(random, [2 * half, 24, embeddingDim]),
            Item = Tower(random, [input, embeddingDim]),
            History = new(Tower(random, [input, 2 * half]), new(known, own, idDim)),
        };
    }

    /// <summary>A tower of random weights. <paramref name="widths"/>: input, hidden…, embedding.</summary>
    public static TowerWeights Tower(Random random, int[] widths)
    {
        var layers = new List<LinearWeights>();
        for (var l = 1; l < widths.Length; l++)
        {
            var bound = 1 / Math.Sqrt(widths[l - 1]);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2 - 1) * bound))];
            layers.Add(new(widths[l - 1], widths[l], Numbers(widths[l] * widths[l - 1]), Numbers(widths[l])));
        }

        return new(layers);
    }

    /// <summary>The golden world's pipeline, as the oracle fitted it.</summary>
    public static PipelineState GoldenPipeline()
    {
        var features = Testing.Golden.Features;
        return new(
            Testing.Golden.Strings("vocab_tag"), Testing.Golden.Strings("vocab_actress"), Numerics("user_numeric"), Numerics("item_numeric"),
            features.GetProperty("newest_release").GetDateTimeOffset(), Testing.Golden.AsOf);

        List<NumericStandardizer> Numerics(string property) => [.. features.GetProperty(property).EnumerateObject().Select(
            numeric => new NumericStandardizer(numeric.Name, numeric.Value.GetProperty("mean").GetDouble(), numeric.Value.GetProperty("std").GetDouble()))];
    }

    private static Checkpoint Checkpoint(Recipe recipe, PipelineState pipeline, TowerWeights user, TowerWeights item) => new()
    {
        Recipe = recipe,
        Pipeline = pipeline,
        User = user,
        Item = item,
        Training = new(79, 130, 900, 100, 300, 400, 2, [new(1, .7, .69, .5, 1.5), new(2, .68, .66, .6, 1.2)]),
    };
}
