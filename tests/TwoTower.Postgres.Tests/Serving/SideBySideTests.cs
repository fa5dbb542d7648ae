using Microsoft.Extensions.Options;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>Releases of different dimensions side by side: whichever is active, the search is its own.</summary>
public sealed class SideBySideTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Releases_of_64_128_and_256_numbers_are_rolled_back_and_forth_and_each_answer_is_right()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var store = new ReleaseStore(db.DataSource);
        var releases = new List<Release>();
        foreach (var dim in new[] { 64, 128, 256 }) releases.Add(
            await TestReleases.ReadyAsync(db, TestCheckpoints.Random(dim, dim), Golden.AsOf.AddMinutes(dim)));
        using var cache = new TowerCache(store, 2);
        var service = new RecommendationService(db.DataSource, cache, Options.Create(new RecommendationOptions()));

        foreach (var release in releases) await ServesAsync(release, () => store.ActivateAsync(release.ModelVersion, "test", null));
        await ServesAsync(releases[1], () => store.RollbackAsync("test", null));
        await ServesAsync(releases[0], () => store.RollbackAsync("test", null));
        await ServesAsync(releases[2], () => store.ActivateAsync(releases[2].ModelVersion, "test", null));
        await ServesAsync(releases[0], () => store.RollbackAsync("test", null));

        async Task ServesAsync(Release release, Func<Task> move)
        {
            await move();
            var files = await store.OpenAsync(release.ModelVersion);
            using var users = UserTower.FromFiles(files);
            using var items = ItemTower.FromFiles(files);
            foreach (var user in Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Take(5))
            {
                var answer = await service.RecommendAsync(new(user.UserId, 10, false, new VideoFilter()), Golden.AsOf);
                Assert.Equal(release.ModelVersion, answer.ModelVersion);
                Assert.Equal(10, answer.Videos.Count);
                var embedding = users.Encode(user, answer.AsOf);
                foreach (var video in answer.Videos)
                {
                    var vector = new float[items.EmbeddingDim];
                    items.Encode([Golden.ItemPayloads.Single(item => item.VideoId == video.Video.Id)], vector);
                    Assert.Equal(vector.Zip(embedding, (a, b) => (double)a * b).Sum(), video.Score!.Value, tolerance: 1e-5);
                }
            }
        }
    }
}
