using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Protocols;
using TwoTower.Evaluation.Results;
using TwoTower.Testing;
using TwoTower.Training.Tests.Loop;

namespace TwoTower.Training.Tests.Probabilities;

/// <summary>Probabilities through the product's own job, in the made-up catalogue: a fifth of its users are left out of the
/// training.</summary>
[Collection(nameof(Torch))]
public sealed class HeldOutCalibrationTests : IDisposable
{
    private static readonly TableSet Tables = CatalogueGenerator.Generate(new() { Users = 500, Videos = 200, Anchor = Golden.AsOf });

    private static readonly Recipe Histories = new()
    {
        Name = "small-v3",
        Samples = new() { HeldOutUsers = 0.2 },
        Model = new() { HiddenDims = [16], Dropout = [0.0], EmbeddingDim = 24 },
        Training = new() { Epochs = 2, BatchSize = 64, Lr = 2e-3, WeightDecay = 0.01 },
        Kind = RecipeKind.History,
        History = new() { Factors = 12, Sweeps = 4, TasteFactors = 6, Smoothing = 3 },
        Serving = new() { ReRank = false, LikeProbability = true },
    };

    private static readonly Recipe Statistics = new()
    {
        Name = "small-v2",
        Features = new() { UseRpcFeatures = false },
        Samples = Histories.Samples,
        Model = new() { HiddenDims = [32], Dropout = [0.0], EmbeddingDim = 16 },
        Training = new() { Epochs = 4, BatchSize = 64, Lr = 5e-3, LogitScale = 10 },
        Serving = Histories.Serving,
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    private string CheckpointPath => Path.Combine(_folder.Path, "latest.safetensors");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Recipes => [Histories.Name, Statistics.Name];

    private static Recipe Named(string name) => name == Histories.Name ? Histories : Statistics;

    private TrainOptions Options(Recipe recipe) => new()
    {
        Recipe = recipe,
        Tables = Tables,
        Register = false,
        Threads = 1,
        CheckpointPath = CheckpointPath,
        Device = TrainingDevice.Cpu,
        Say = _said.Add,
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_training_leaves_a_calibration_in_its_checkpoint_and_the_same_training_leaves_the_same(string recipe)
    {
        var calibration = (await TrainJob.RunAsync(Options(Named(recipe)), null, default)).Checkpoint.Calibration;

        Assert.NotNull(calibration);
        Assert.True(calibration is { Slope: > 0, Likes: >= 100, Nopes: >= 100 }, $"{calibration}");
        Assert.Equal(10, calibration.PriorLikes + calibration.PriorNopes, 9);
        Assert.Contains(
            _said, line => line.StartsWith($"like probability: fitted on {calibration.Likes} likes and {calibration.Nopes} nopes of {calibration.Users} held-out users", StringComparison.Ordinal));
        Assert.Equal(calibration, CheckpointStore.Read(CheckpointPath).Calibration);
        Assert.Contains(ReleaseFiles.Build(CheckpointStore.Read(CheckpointPath), Golden.AsOf), file => file.Path == "calibration.json");

        Assert.Equal(calibration, (await TrainJob.RunAsync(Options(Named(recipe)), null, default)).Checkpoint.Calibration);
    }

    [Fact]
    public async Task The_towers_are_those_of_a_training_without_it()
    {
        var with = (await TrainJob.RunAsync(Options(Histories), null, default)).Checkpoint;
        var without = (await TrainJob.RunAsync(Options(Histories with { Serving = new() { ReRank = false } }), null, default)).Checkpoint;

        Assert.Null(without.Calibration);
        string[] own = ["calibration.json", "model_meta.json"];
        Assert.Equal(Files(without), Files(with));

        IEnumerable<(string, string)> Files(Checkpoint checkpoint) =>
            ReleaseFiles.Build(checkpoint, Golden.AsOf).Where(file => !own.Contains(file.Path)).Select(file => (file.Path, file.Sha256));
    }

    [Theory]
    [InlineData(0.0, "no like probability: samples.held_out_users is 0, every user was trained on")]
    [InlineData(0.01, "were held out, 100 of each are needed (samples.held_out_users 0.01)")]
    public async Task Too_few_held_out_decisions_give_none_and_a_line_that_says_so(double share, string reason)
    {
        var result = await TrainJob.RunAsync(Options(Histories with { Samples = new() { HeldOutUsers = share } }), null, default);

        Assert.Null(result.Checkpoint.Calibration);
        Assert.Contains(reason, Assert.Single(_said, line => line.Contains("like probability", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain(ReleaseFiles.Build(result.Checkpoint, Golden.AsOf), file => file.Path == "calibration.json");
    }

    [Fact]
    public async Task On_users_that_neither_training_nor_calibration_knew_it_is_far_nearer_the_truth_than_the_sigmoid_of_the_score()
    {
        var splits = new[] { HeldOutUsersProtocol.Create(Tables, new(), HeldOutGroup.Validation) };
        var evaluator = new Evaluator(splits, reRank: true, TimeProvider.System);
        List<Answers> answers = [];
        foreach (var recipe in new[] { Histories, Histories with { Name = "plain", Serving = new() { ReRank = false } } })
        {
            answers.AddRange(await evaluator.AskAsync(RecipeModel.Create(recipe.Name, Options(recipe)), 42, null, default));
        }

        var results = new Summary(splits, rounds: 0).Of(answers, null, default).Models;

        var (calibrated, plain) = (results[0].ProbabilityErrors!, results[2].ProbabilityErrors!);
        Assert.Equal(splits[0].Queries.Sum(query => query.Targets.Length + query.HeldOutNopes.Length), calibrated.Decisions);
        Assert.InRange(calibrated.CalibrationError, 0, plain.CalibrationError / 2);
        Assert.InRange(calibrated.LogLoss, 0, plain.LogLoss - 0.02);
        Assert.InRange(calibrated.CalibrationError, 0, 0.08);

        // Probabilities are of the model's score, whatever the order of an answer.
        Assert.Equal(calibrated, results[1].ProbabilityErrors);
    }
}
