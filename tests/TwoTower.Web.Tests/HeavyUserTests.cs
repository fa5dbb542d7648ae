using System.Net.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;
using TwoTower.Web.Decisions;

namespace TwoTower.Web.Tests;

/// <summary>One user with as many decisions as a program can post.</summary>
[Collection(nameof(Alone))]
public sealed class HeavyUserTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private const int Many = 100_000;
    private static readonly Guid Heavy = new("00000000-0000-0000-0000-0000000ea4e1");

    [Fact]
    public async Task Requests_of_a_user_of_100_000_decisions_are_answered_or_shed_and_the_replica_stays_ready()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await db.ExecuteAsync($"""
            insert into videos (id, title) select md5('v' || i)::uuid, 'video ' || i from generate_series(1, 2000) i;
            insert into video_tags select md5('v' || i)::uuid, 'tag ' || (i * 7 + t * t * 31) % 400 from generate_series(1, 2000) i, generate_series(1, 8) t on conflict do nothing;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select '{Heavy}', md5('v' || 1 + n % 1900)::uuid, case when n % 3 = 0 then 'nope' else 'like' end, now() - n * interval '1 minute' from generate_series(1, {Many}) n;
            """);
        await db.ExecuteAsync("vacuum analyze user_video_decisions");
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await using var api =
            await ApiHost.StartAsync(new NpgsqlConnectionStringBuilder(db.ConnectionString) { MaxPoolSize = 100 }.ConnectionString);
        var path = $"/v1/users/{Heavy}/recommendations?limit=20";
        await api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");

        var asked = Enumerable.Range(0, 32).Select(_ => api.Client.GetAsync(path)).ToList();
        var all = Task.WhenAll(asked);
        while (!all.IsCompleted)
        {
            Assert.Equal(200, (int)(await api.Client.GetAsync("/health/ready")).StatusCode);
            await Task.WhenAny(all, Task.Delay(50));
        }

        var statuses = asked.Select(answer => (int)answer.Result.StatusCode).CountBy(status => status).ToDictionary();
        output.WriteLine(string.Join(", ", statuses));
        Assert.Subset(new HashSet<int> { 200, 503 }, statuses.Keys.ToHashSet());

        // What is read is bounded; what was decided stays out of the answers, also what lies beyond the bound.
        var context = await RequestContext.ReadAsync(db.DataSource, Heavy, null, default);
        Assert.Equal(5_000, context.Payload!.DecisionStats.DecisionCount);
        var decided = (await db.ListAsync<Guid>($"select distinct video_id from user_video_decisions where user_id = '{Heavy}'")).ToHashSet();
        var answer = await api.GetAsync(path);
        Assert.Equal(20, ApiWorld.Ids(answer).Count);
        Assert.DoesNotContain(ApiWorld.Ids(answer), decided.Contains);
    }

    [Fact]
    public async Task What_is_left_for_a_user_who_has_decided_on_nearly_everything_is_all_found()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await db.ExecuteAsync($"""
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select '{Heavy}', id, 'like', timestamptz '2020-01-01Z' + row_number() over (order by md5(id::text)) * interval '1 minute'
            from videos where is_active and safety_level <= 1 order by md5(id::text) offset 7
            """);
        var left =
            await db.ListAsync<Guid>(
                $"select id from videos v where is_active and safety_level <= 1 and not exists (select from user_video_decisions d where d.user_id = '{Heavy}' and d.video_id = v.id)");
        await using var api = await ApiHost.StartAsync(db);
        Assert.Equal(7, left.Count);
        Assert.Equal(left.Order(), ApiWorld.Ids(await api.GetAsync($"/v1/users/{Heavy}/recommendations?limit=50")).Order());
    }

    [Fact]
    public async Task A_user_who_posts_more_decisions_than_a_minute_allows_waits_and_nobody_else_does()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await using var api = await ApiHost.StartAsync(db, new()
        {
            ["TwoTower:Limits:DecisionsPerMinute"] = "3",
            ["TwoTower:Limits:WaitingRequests"] = "1000",
            ["TwoTower:Limits:Deadline"] = "00:02:00",
        });
        var (hasty, other) = (Guid.NewGuid(), Guid.NewGuid());
        object Like(Guid user, int video) => new { userId = user, videoId = Golden.ItemPayloads[video].VideoId, decision = "like" };

        // However long they take: one more is allowed for each 20 seconds.
        const int posted = 40;
        var started = TimeProvider.System.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, posted).Select(i => api.Client.PostAsJsonAsync("/v1/decisions", Like(hasty, i))));
        var allowed = 3 + (int)Math.Ceiling(TimeProvider.System.GetElapsedTime(started) / TimeSpan.FromSeconds(20));
        var recorded = answers.Count(answer => answer.StatusCode == System.Net.HttpStatusCode.Created);
        Assert.InRange(recorded, 3, allowed);
        foreach (var refused in answers.Where(answer => answer.StatusCode != System.Net.HttpStatusCode.Created))
        {
            var problem = await ApiHost.ReadAsync(refused, 429);
            Assert.Equal("urn:twotower:problem:too-many-decisions", problem.GetProperty("type").GetString());
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));
        }

        await api.PostAsync("/v1/decisions", Like(other, 3), 201);
        Assert.Equal(
            recorded + 1L, await db.ScalarAsync<long>($"select count(*) from user_video_decisions where user_id in ('{hasty}', '{other}')"));
    }

    [Fact]
    public void A_limit_of_nothing_is_no_limit()
    {
        using var limit = new DecisionLimit(Options.Create(new ServingLimits { DecisionsPerMinute = 0 }));
        for (var i = 0; i < 5_000; i++) Assert.Null(limit.Take(Heavy));
    }
}
