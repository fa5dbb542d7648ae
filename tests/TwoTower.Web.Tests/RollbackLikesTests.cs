using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>
/// Users who were there before a release's activation like one of ten recommendations, before it as after it. What else anybody asks for
/// over HTTP lets likes per recommendation fall by more than half, and leaves no release.
/// </summary>
public sealed class RollbackLikesTests(PostgresFixture postgres)
{
    private const int Users = 14;

    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05",
        ["TwoTower:Impressions:Share"] = "1",
        ["TwoTower:Rollback:Enabled"] = "false", // the test looks itself
        ["TwoTower:Limits:Deadline"] = "00:02:00",
    };

    private static readonly RollbackOptions Options = new() { LikesInterval = TimeSpan.Zero, MinUsers = 10 };

    [Theory]
    [InlineData("users made up since", 10, true)]
    [InlineData("pages as long as they can be", 100, true)]
    [InlineData("the same again and again", 10, true)]
    [InlineData("nothing, and the release is worse", 10, false)]
    public async Task What_clients_ask_for_leaves_no_release_and_a_worse_one_is_left(string attack, int limit, bool isLiked)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var before = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        var release = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await using var api = await ApiHost.StartAsync(db, Settings);
        async Task AskAsync(Guid user, int videos, bool likes)
        {
            var shown = ApiWorld.Ids(await api.GetAsync($"/v1/users/{user}/recommendations?limit={videos}"));
            if (likes) await LikeAsync(api, user, shown[0]);
        }

        var users = Enumerable.Range(0, Users).Select(_ => Guid.NewGuid()).ToList();
        foreach (var (user, n) in users.Select((user, n) => (user, n))) await LikeAsync(api, user, Golden.ItemPayloads[n].VideoId);
        await db.ExecuteAsync("update two_tower.user_arrivals set arrived_at = arrived_at - interval '30 days'");
        foreach (var user in users) await AskAsync(user, 10, likes: true);

        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "alice", null);
        foreach (var user in users) await AskAsync(user, limit, isLiked);
        if (attack == "users made up since")
        {
            for (var n = 0; n < 30; n++)
            {
                var user = Guid.NewGuid();
                await LikeAsync(api, user, Golden.ItemPayloads[n].VideoId);
                await AskAsync(user, 100, likes: false);
            }
        }
        else if (attack == "the same again and again")
        {
            for (var n = 0; n < 3; n++)
            {
                foreach (var user in users) await AskAsync(user, 100, likes: false);
            }
        }

        await PassAsync(db);
        var (was, now) = (await PlainAsync(db, before), await PlainAsync(db, release));
        Assert.Equal(0.1, was, 10);
        Assert.True(now < was / 2, $"{attack}: {now}, a release that plain likes per recommendation would leave");

        var done = await new AutomaticRollback(db.DataSource, Options).CheckAsync();
        Assert.Equal(isLiked ? null : "likes_per_recommendation", done?.Reason.Rule);
        var active = await new ReleaseStore(db.DataSource).GetActiveAsync();
        Assert.Equal(isLiked ? release.ModelVersion : before.ModelVersion, active!.ModelVersion);
        if (done is null) return;
        var history = await new ActivationHistory(db.DataSource).ReadAsync(release.ModelVersion);
        var undone = Assert.Single(history, activation => activation.Undid is not null);
        Assert.Equal("0.0000 likes per recommendation over 140, of 14 users; 0.1000 over 140 before", undone.Reason);
    }

    private static async Task LikeAsync(ApiHost api, Guid user, Guid video) =>
        await api.PostAsync("/v1/decisions", new { userId = user, videoId = video, decision = "like" }, 201);

    // Half an hour, once what was served is written.
    private static async Task PassAsync(TestDatabase db)
    {
        Task<long> WrittenAsync() => db.ScalarAsync<long>("select count(*) from two_tower.impressions");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        for (long last = -1, rows; (rows = await WrittenAsync()) != last || rows == 0; last = rows) await Task.Delay(1000, patience.Token);
        await db.ExecuteAsync("""
            select two_tower.impression_partition((now() at time zone 'UTC')::date - 1);
            update two_tower.impressions set served_at = served_at - interval '30 minutes';
            update user_video_decisions set created_at = created_at - interval '30 minutes' where created_at > now() - interval '1 day';
            update two_tower.user_arrivals set arrived_at = arrived_at - interval '30 minutes';
            update two_tower.active_release set activated_at = activated_at - interval '30 minutes';
            """);
    }

    private static async Task<double> PlainAsync(TestDatabase db, Release release)
    {
        var users = await ReleaseComparer.ReadAsync(
            db.DataSource, release.ModelVersion, DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow, Options.DecisionWithin, null, default);
        return (double)users.Sum(user => user.Likes) / users.Sum(user => user.Recommendations);
    }
}
