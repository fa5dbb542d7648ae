using Microsoft.Extensions.Options;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>Releases are activated, rolled back and retired while requests run: each answer is of one release, and none fails.</summary>
public sealed class ChangingReleasesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_answer_while_releases_change_is_right_for_the_release_that_it_names()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var store = new ReleaseStore(db.DataSource);
        var releases = new List<Release>();

        // Dimensions differ: the vector of one release against the table of another would be an error, or nonsense.
        foreach (var (dim, seed) in new[] { (16, 1), (16, 2), (8, 3) })
        {
            releases.Add(await TestReleases.ReadyAsync(db, TestCheckpoints.Random(dim, seed)));
        }

        var vectors = new Dictionary<(string Version, Guid Video), float[]>();
        var towers = new Dictionary<string, UserTower>();
        foreach (var release in releases)
        {
            var files = await store.OpenAsync(release.ModelVersion);
            towers.Add(release.ModelVersion, UserTower.FromFiles(files));
            using var items = ItemTower.FromFiles(files);
            foreach (var item in Golden.ItemPayloads)
            {
                var vector = new float[items.EmbeddingDim];
                items.Encode([item], vector);
                vectors.Add((release.ModelVersion, item.VideoId), vector);
            }
        }

        await store.ActivateAsync(releases[0].ModelVersion, "test", null);
        // One tower at a time: requests that go on with the old one find it freed, too.
        using var cache = new TowerCache(store, 1);
        var service = new RecommendationService(db.DataSource, cache, Options.Create(new RecommendationOptions()));
        var users = Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).ToList();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 4).Select(client => Task.Run(async () =>
        {
            var answers = new List<(Guid User, Postgres.Serving.Recommendations Answer)>();
            for (var i = client; !stop.IsCancellationRequested; i++)
            {
                var user = users[i % users.Count].UserId;
                answers.Add((user, await service.RecommendAsync(new(user, 10, false, new VideoFilter()), Golden.AsOf)));
            }

            return answers;
        })).ToList();

        for (var i = 1; i <= 30; i++)
        {
            await store.ActivateAsync(releases[i % 3].ModelVersion, "test", null);
            await Task.Delay(20);
        }

        // The first is retired under way: its table is dropped while requests may be about to search it.
        await store.ActivateAsync(releases[1].ModelVersion, "test", null);
        await store.TransitionAsync(releases[0].ModelVersion, ReleaseState.Retired, "test", null);
        await db.ExecuteAsync($"drop table {releases[0].Table}");
        await Task.Delay(200);
        await stop.CancelAsync();

        var all = (await Task.WhenAll(clients)).SelectMany(answers => answers).ToList();
        Assert.True(all.Select(answer => answer.Answer.ModelVersion).Distinct().Count() > 1);
        foreach (var (user, answer) in all)
        {
            var embedding = towers[answer.ModelVersion!].Encode(users.Single(u => u.UserId == user), answer.AsOf);
            foreach (var video in answer.Videos)
            {
                var score = vectors[(answer.ModelVersion!, video.Video.Id)].Zip(embedding, (a, b) => (double)a * b).Sum();
                Assert.Equal(score, video.Score!.Value, tolerance: 1e-5);
            }
        }

        foreach (var tower in towers.Values) tower.Dispose();
    }
}
