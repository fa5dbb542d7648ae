using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Artifacts;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twotower-");

    private string FilePath => Path.Combine(_folder.FullName, "latest.safetensors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_checkpoint_comes_back_exactly_as_it_was()
    {
        var written = Example();
        CheckpointStore.Write(FilePath, written);
        var read = CheckpointStore.Read(FilePath);

        Assert.Equivalent(written, read, strict: true);
        Assert.Equal(written.Pipeline.UserNumeric[0].Mean, read.Pipeline.UserNumeric[0].Mean);
        Assert.Equal(written.Pipeline.AsOf, read.Pipeline.AsOf);
    }

    [Fact]
    public void The_same_checkpoint_gives_the_same_bytes()
    {
        CheckpointStore.Write(FilePath, Example());
        var first = File.ReadAllBytes(FilePath);
        CheckpointStore.Write(FilePath, Example());
        Assert.Equal(first, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void What_a_writer_that_was_killed_left_beside_the_checkpoint_goes_with_the_next_one()
    {
        var left = FilePath + ".abcdefgh.ijk.tmp";
        File.WriteAllText(left, "half");
        var others = Path.Combine(_folder.FullName, "other.safetensors.abcdefgh.ijk.tmp");
        File.WriteAllText(others, "half");
        using (var living = new FileStream(FilePath + ".lives.tmp", FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            CheckpointStore.Write(FilePath, Example());
            Assert.True(File.Exists(living.Name));
        }

        Assert.False(File.Exists(left));
        Assert.True(File.Exists(others));
    }

    [Fact]
    public void Tensors_are_named_as_the_contract_says_and_the_rest_is_JSON_in_the_metadata()
    {
        CheckpointStore.Write(FilePath, Example());
        var file = SafetensorsFile.Read(FilePath);

        Assert.Equal(
            ["user_tower.l1.weight", "user_tower.l1.bias", "user_tower.l2.weight", "user_tower.l2.bias", "item_tower.l1.weight"],
            file.Tensors.Take(5).Select(t => t.Name));
        using var config = JsonDocument.Parse(file.Metadata["config"]);
        Assert.Equal(512, config.RootElement.GetProperty("features").GetProperty("max_tag_vocab").GetInt32());
        using var pipeline = JsonDocument.Parse(file.Metadata["pipeline"]);
        Assert.Equal("日本", pipeline.RootElement.GetProperty("tag_tokens")[0].GetString());
    }

    [Theory]
    [InlineData("v2", RecipeKind.Statistics)]
    [InlineData("v3", RecipeKind.History)]
    public void A_checkpoint_of_before_recipes_had_kinds_is_read(string name, RecipeKind kind)
    {
        CheckpointStore.Write(FilePath, Example());
        var file = SafetensorsFile.Read(FilePath);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "before-kinds", $"{name}.json")))!.AsObject();
        config.Remove("$schema");
        AtomicFile.Write(FilePath, new SafetensorsFile(new Dictionary<string, string>(file.Metadata) { ["config"] = config.ToJsonString() }, file.Tensors).Write);

        var recipe = CheckpointStore.Read(FilePath).Recipe;

        Assert.Equal(kind, recipe.Kind);
        Assert.Equal(RecipeReader.ToJson(RecipeReader.Read(name, [], new Dictionary<string, string>())), RecipeReader.ToJson(recipe));
    }

    [Theory]
    [InlineData("{", "metadata config is not JSON")]
    [InlineData("""{"speed":1}""", "metadata config: there is no key 'speed'")]
    public void A_config_that_is_no_recipe_is_refused(string config, string reason)
    {
        CheckpointStore.Write(FilePath, Example());
        var file = SafetensorsFile.Read(FilePath);
        AtomicFile.Write(FilePath, new SafetensorsFile(new Dictionary<string, string>(file.Metadata) { ["config"] = config }, file.Tensors).Write);

        var e = Assert.Throws<InputException>(() => CheckpointStore.Read(FilePath));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_another_program_are_no_checkpoint()
    {
        var golden = Path.Combine(AppContext.BaseDirectory, "golden", "weights_start.safetensors");
        var e = Assert.Throws<InputException>(() => CheckpointStore.Read(golden));
        Assert.Contains("not a checkpoint of this program", e.Message);
    }

    [Fact]
    public void A_layer_that_does_not_follow_the_one_before_it_is_refused_by_name()
    {
        var tensors = new[]
        {
            SafetensorsTensor.Floats("user_tower.l1.weight", [2, 3], new float[6]), SafetensorsTensor.Floats("user_tower.l1.bias", [2], new float[2]),
            SafetensorsTensor.Floats("user_tower.l2.weight", [2, 5], new float[10]), SafetensorsTensor.Floats("user_tower.l2.bias", [2], new float[2]),
        };
        var e = Assert.Throws<InputException>(() => CheckpointStore.ReadTowers(new(new Dictionary<string, string>(), tensors)));
        Assert.Contains("user_tower.l2.weight", e.Message);
    }

    private static Checkpoint Example() => new()
    {
        Recipe = new Recipe { Seed = 7, Model = new() { HiddenDims = [4], Dropout = [0.1], EmbeddingDim = 3 } },
        Pipeline = new(
            ["日本", "a\"b"], [], [new("account_age_days", 1.0 / 3, 2.0 / 7)], [], null,
            new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.FromHours(9)).AddTicks(1234567)),
        User = Tower(5, 1),
        Item = Tower(2, 2),
        Training = new(3, 4, 90, 10, 25, 50, 1, [new(1, 0.7, 0.6900000000000001, 0.5, 1.25)]),
        Resume = new ResumeState
        {
            User = Tower(5, 3),
            Item = Tower(2, 4),
            FirstMoment = (Tower(5, 5), Tower(2, 6)),
            SecondMoment = (Tower(5, 7), Tower(2, 8)),
            Step = 12,
            Epoch = 1,
            EpochsWithoutImprovement = 0,
            Random = [1, ulong.MaxValue, 3, 4],
            DataFingerprint = "ab",
            Arithmetic = new("cpu", "Exact", 2),
            Finished = true,
            ExportedAt = new DateTimeOffset(2026, 11, 30, 4, 5, 6, TimeSpan.Zero).AddTicks(1234567),
        },
    };

    private static TowerWeights Tower(int inputs, int seed)
    {
        var random = new Random(seed);
        float[] Floats(int n) => [.. Enumerable.Range(0, n).Select(_ => random.NextSingle() - 0.5f)];
        return new([new(inputs, 4, Floats(4 * inputs), Floats(4)), new(4, 3, Floats(12), Floats(3))]);
    }
}
