using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Training.Histories;
using TwoTower.Training.Tests.Loop;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests.Histories;

/// <summary>
/// What a nope does, by the best recipe (with fewer dimensions) in a generated world: a user is shown a video among the first, and nopes
/// it. Videos like it, by tags and performers, fall against the others.
/// </summary>
[Collection(nameof(Torch))]
public sealed class NopeTests(ITestOutputHelper output)
{
    private const int Alike = 10, Shown = 20;

    [Fact]
    public async Task A_nope_pushes_away_what_is_like_it()
    {
        var tables =
            CatalogueGenerator.Generate(
                new() { Anchor = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), Users = 600, Videos = 500, Seed = 3 });
        var recipe = RecipeReader.Read(
            RecipeReader.DefaultName,
            ["model.embedding_dim=64", "model.hidden_dims=64", "history.factors=32", "history.taste_factors=16", "training.epochs=4"], new Dictionary<string, string>());
        var result = await TrainJob.RunAsync(
            new() { Recipe = recipe, Tables = tables, Register = false, Threads = 2, Device = TrainingDevice.Cpu }, null,
            TestContext.Current.CancellationToken);
        using var model = ModelInMemory.Load(result.Checkpoint, "test", PayloadBuilder.BuildItems(tables), TestContext.Current.CancellationToken);
        var contents = new ContentVectors(tables.Videos);
        var asOf = tables.Decisions.Max(decision => decision.CreatedAt);
        List<double> pushes = [];
        foreach (
            var history in PayloadBuilder.Histories(tables).Where(
                history => history.Entries.Count(entry => entry.Type == DecisionType.Like) is > 5 and < 100).Take(80))
        {
            var decided = history.Entries.Select(entry => entry.VideoId).ToHashSet();
            int[] open = [.. Enumerable.Range(0, tables.Videos.Count).Where(video => !decided.Contains(tables.Videos[video].Id))];
            var before = Scores(history);
            foreach (
                var noped in open.OrderByDescending(video => before[video]).Take(Shown).Where(
                    video => tables.Videos[video].Tags.Count > 0).Chunk(5).Select(some => some[0]))
            {
                var after =
                    Scores(history with
                    {
                        Entries =
                        [.. history.Entries, new(tables.Videos[noped].Id, DecisionType.Nope, asOf, null, [], [])]
                    });
                int[] order = [.. open.Where(video => video != noped).OrderByDescending(video => contents.Cosine(noped, video))];
                double Change(int[] videos) => videos.Average(video => (double)after[video] - before[video]);
                pushes.Add(Change(order[..Alike]) - Change(order[Alike..]));
            }
        }

        var away = pushes.Count(push => push < 0) / (double)pushes.Count;
        output.WriteLine($"{pushes.Count} nopes: {away:P0} push away what is like them, by {-pushes.Average():0.00000} in the mean");
        Assert.True(pushes.Average() < 0, $"{pushes.Average()}");
        Assert.True(away > 0.75, $"{away:P0}");

        float[] Scores(UserHistory history)
        {
            var user = model.Encode(history, asOf);
            return [.. Enumerable.Range(0, tables.Videos.Count).Select(video => model.Score(user, video))];
        }
    }
}
