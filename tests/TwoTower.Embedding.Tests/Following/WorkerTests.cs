using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>The worker as it runs.</summary>
[Collection(nameof(Alone))]
public sealed class WorkerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task It_is_woken_by_a_change()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Worker(FollowedWorld.Options with { PollInterval = TimeSpan.FromDays(1) }).StartAsync(default);
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120)))
        {
            while (await world.Db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and query = 'listen two_tower_videos' and state = 'idle'") == 0)
            {
                await Task.Delay(50, patience.Token);
            }
        }

        for (var price = 1; price <= 3; price++)
        {
            await world.Db.ExecuteAsync($"update videos set price = {price} where title = 'video 1'");
            await world.WaitUntilRightAsync(release);
        }
    }

    [Fact]
    public async Task Where_nothing_is_heard_it_looks_by_itself()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Worker(FollowedWorld.Options with { Listen = false, PollInterval = TimeSpan.FromMilliseconds(200) }).StartAsync(
            default);
        await world.Db.ExecuteAsync("update videos set price = 1 where title = 'video 1'");
        await world.WaitUntilRightAsync(release);
        await world.Db.ExecuteAsync("update videos set price = 2 where title = 'video 1'");
        await world.WaitUntilRightAsync(release);
    }

    [Fact]
    public async Task A_release_that_is_being_embedded_does_not_keep_changes_waiting()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var live = (await world.ServeAsync())[0];
        var next = await world.RegisterAsync(2);
        // As slow as a large catalogue: the first of its vectors waits until the test is through.
        await world.Db.ExecuteAsync(
            $"""
            create table {next.Table} (video_id uuid primary key, embedding vector(16) not null, feature_hash bigint, updated_at timestamptz not null default now());
            create function slow() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(42); return new; end $$;
            create trigger slow before insert on {next.Table} for each row execute function slow();
            """);
        await using var gate = await world.Db.DataSource.OpenConnectionAsync();
        await using (var command = new Npgsql.NpgsqlCommand("select pg_advisory_lock(42)", gate)) await command.ExecuteNonQueryAsync();
        await world.Worker().StartAsync(default);
        while ((await world.Store.GetAsync(next.ModelVersion)).State != ReleaseState.Embedding) await Task.Delay(50);

        await world.Db.ExecuteAsync("update videos set price = 1 where title = 'video 1'");
        await world.WaitUntilRightAsync(live);
        Assert.Equal(ReleaseState.Embedding, (await world.Store.GetAsync(next.ModelVersion)).State);
        Assert.Equal(0L, await world.Db.ScalarAsync<long>($"select count(*) from {next.Table}"));

        await using (var command = new Npgsql.NpgsqlCommand("select pg_advisory_unlock(42)", gate)) await command.ExecuteNonQueryAsync();
        await world.WaitUntilRightAsync(next);
    }
}
