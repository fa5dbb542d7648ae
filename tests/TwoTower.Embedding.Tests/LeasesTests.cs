using Microsoft.Extensions.Time.Testing;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Following;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Embedding.Tests.Following;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>Steps that take longer than a lease, and processes that were taken for dead and weren't.</summary>
public sealed class LeasesTests(PostgresFixture postgres)
{
    // Who reads videos is counted, a number a video, and has them after 5 seconds: a lease of two seconds runs out twice meanwhile.
    private const string Slow =
        """
        alter function two_tower.item_payloads(uuid[], text[]) rename to item_payloads_at_once;
        create sequence public.reads;
        create function two_tower.item_payloads(video_ids uuid[], vector_names text[]) returns table (video_id uuid, payload jsonb) language plpgsql as $$
        begin
            perform nextval('public.reads') from unnest(video_ids);
            perform pg_sleep(5);
            return query select * from two_tower.item_payloads_at_once(video_ids, vector_names);
        end $$;
        """;

    private const string Fast =
        """
        create or replace function two_tower.item_payloads(video_ids uuid[], vector_names text[]) returns table (video_id uuid, payload jsonb) language sql as
            $$ select * from two_tower.item_payloads_at_once(video_ids, vector_names) $$
        """;

    private static readonly EmbedOptions Short = FollowedWorld.Options.Embedding with { Workers = 1, Lease = TimeSpan.FromSeconds(2) };

    [Fact]
    public async Task A_share_that_takes_longer_than_its_lease_is_still_done_once()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 40);
        var release = await world.RegisterAsync(1);
        await world.Db.ExecuteAsync(Slow);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var leading =
            Task.Run(() => new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Short, new Acting(step =>
        {
            if (step.Stage == EmbedStage.Embedding) begun.TrySetResult();
            if (step.Stage == EmbedStage.Indexing) world.Db.ExecuteAsync(Fast).GetAwaiter().GetResult();
        })));
        await begun.Task;
        var (current, files) = (await world.Store.GetAsync(release.ModelVersion), await world.Store.OpenAsync(release.ModelVersion));
        using var tower = ItemTower.FromFiles(files);
        var shares =
            new EmbeddingShares(
                world.Db.DataSource, await ReleaseVectors.OpenAsync(world.Db.DataSource, current), Short, TimeProvider.System);
        var helped = 0L;
        while (!leading.IsCompleted)
        {
            helped += await shares.WorkAsync(tower, untilDone: false, null, default);
            await Task.Delay(50);
        }

        Assert.Equal(40, (await leading).Embedded + helped);
        Assert.Equal(40L, await world.Db.ScalarAsync<long>("select last_value from public.reads"));
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task No_more_is_taken_at_once_than_is_worked_on_whatever_the_server_takes_the_tables_for()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 20);
        var release = (await world.ServeAsync())[0];
        // As the server knows them, both tables have one row: it then looks for what is free once for each row that there is.
        await world.Db.ExecuteAsync($"insert into two_tower.embedding_shares (release_id, videos, video_ids) values ({release.Id}, 0, '{{}}')");
        await world.Db.ExecuteAsync("select two_tower.enqueue_videos(array(select id from videos limit 1)); analyze two_tower.embedding_shares, two_tower.embedding_queue");
        await world.Db.ExecuteAsync("update videos set price = coalesce(price, 0) + 1000");
        Assert.Single(await new ChangeQueue(world.Db.DataSource, Short.Lease).LeaseAsync("me", 1, default));

        await world.Db.ExecuteAsync($"insert into two_tower.embedding_shares (release_id, videos, video_ids) select {release.Id}, 1, array[id] from videos; {Slow}");
        using var tower = ItemTower.FromFiles(await world.Store.OpenAsync(release.ModelVersion));
        var shares =
            new EmbeddingShares(
                world.Db.DataSource, await ReleaseVectors.OpenAsync(world.Db.DataSource, release), Short, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var working = shares.WorkAsync(tower, untilDone: false, null, stop.Token);
        // Between two shares there is a moment with none: what counts is how many there are when there are any.
        long leased;
        while ((leased = await world.Db.ScalarAsync<long>("select count(*) from two_tower.embedding_shares where lease_owner is not null")) == 0) await Task.Delay(20);
        Assert.Equal(1L, leased);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => working);
    }

    [Fact]
    public async Task A_share_that_was_taken_over_is_written_by_whoever_is_done_first()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 20);
        var release = await world.RegisterAsync(1);
        await world.Db.ExecuteAsync(Slow);
        var embedding = Task.Run(() => new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Short));
        // Another took the share and is slower still.
        await TakeOverAsync(world, "update two_tower.embedding_shares set lease_owner = 'another', lease_until = clock_timestamp() + interval '1 hour' where lease_owner is not null returning 1");
        Assert.Equal(20, (await embedding.WaitAsync(TimeSpan.FromMinutes(2))).Embedded);
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task Changes_that_were_taken_over_are_written_by_whoever_is_done_first()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 20);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync(Slow + "update videos set price = coalesce(price, 0) + 1000");
        var following = Task.Run(() => world.Worker(FollowedWorld.Options with { Embedding = Short }).TurnAsync(default));
        await TakeOverAsync(world, "update two_tower.embedding_queue set lease_owner = 'another', lease_until = clock_timestamp() + interval '1 hour' where lease_owner is not null returning 1");
        Assert.Equal(20, await following);
        Assert.Equal(0, await world.WaitingAsync());
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_change_that_one_release_didnt_get_is_not_taken_for_done_because_the_others_did()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 20);
        var releases = await world.ServeAsync(3); // the active one's features come from the function
        // The write into the active release's table waits for a lock of ours.
        await world.Db.ExecuteAsync(
            $"""
            create function wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(7); return null; end $$;
            create trigger wait before insert on {releases[2].Table} for each statement execute function wait();
            update videos set price = coalesce(price, 0) + 1000;
            {Slow}
            """);
        await using var gate = await world.Db.DataSource.OpenConnectionAsync();
        await using var shut = await gate.BeginTransactionAsync();
        await ExecuteAsync(gate, "select pg_advisory_xact_lock(7)");
        var worker = world.Worker(FollowedWorld.Options with { Embedding = Short with { Lease = TimeSpan.FromMinutes(5) } });
        var following = Task.Run(() => worker.TurnAsync(default));

        // While the videos are read, somebody comes to one's row in the queue, and changes nothing in the end.
        await WaitAsync(world, "select exists (select from two_tower.embedding_queue where lease_owner is not null)");
        await using var another = await world.Db.DataSource.OpenConnectionAsync();
        await using var busy = await another.BeginTransactionAsync();
        await ExecuteAsync(another, "update two_tower.embedding_queue set attempts = 0 where video_id = (select min(video_id::text)::uuid from two_tower.embedding_queue)");
        await WaitAsync(world, "select exists (select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database()))");
        await busy.RollbackAsync();
        await shut.CommitAsync();
        await following;

        Assert.Equal(1, await world.WaitingAsync());
        await world.Db.ExecuteAsync(Fast + "; update two_tower.embedding_queue set lease_until = null");
        await worker.TurnAsync(default);
        Assert.Equal(0, await world.WaitingAsync());
        foreach (var release in releases) await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task What_only_the_holder_may_do_is_not_done_by_one_who_was_taken_for_dead()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 1);
        var release = await world.RegisterAsync(1);
        await using var lease =
            (await EmbeddingLease.TryTakeAsync(world.Db.DataSource, release, TimeSpan.FromHours(1), TimeProvider.System, default))!;
        await lease.DoAsync(_ => Task.CompletedTask);
        await world.Db.ExecuteAsync("update two_tower.release_embeddings set lease_owner = 'another'");
        var done = false;
        var error = await Assert.ThrowsAsync<InputException>(() => lease.DoAsync(_ =>
        {
            done = true;
            return Task.CompletedTask;
        }));
        Assert.StartsWith("Another process took over", error.Message, StringComparison.Ordinal);
        Assert.False(done);
    }

    [Fact]
    public async Task A_failed_release_is_begun_again_with_an_empty_table_or_not_at_all()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 20);
        var release = (await world.ServeAsync(2))[0];
        await world.Store.FailAsync(release.ModelVersion, "test", "its vectors are wrong");
        // The drop of its table doesn't come through, as after a kill between two steps.
        await world.Db.ExecuteAsync($"create view needs_it as select video_id from {release.Table}");
        await Assert.ThrowsAsync<PostgresException>(
            () => new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Short));
        Assert.Equal(ReleaseState.Failed, (await world.Store.GetAsync(release.ModelVersion)).State);

        await world.Db.ExecuteAsync($"drop view needs_it; update {release.Table} set feature_hash = 1");
        Assert.Equal(20, (await new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(release.ModelVersion, Short)).Embedded);
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_lease_is_renewed_while_its_holder_works_and_once_it_is_lost_the_holder_is_told()
    {
        var time = new FakeTimeProvider();
        using var renewed = new SemaphoreSlim(0);
        var mine = true;
        await using var lease = new LeaseRenewal(TimeSpan.FromSeconds(15), time, _ =>
        {
            renewed.Release();
            return Task.FromResult(mine);
        }, default);
        for (var turn = 0; turn < 6; turn++)
        {
            while (!await renewed.WaitAsync(TimeSpan.FromMilliseconds(10))) time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.False(lease.Lost || lease.Held.IsCancellationRequested);
        mine = false;
        var told = new TaskCompletionSource();
        lease.Held.Register(told.SetResult);
        while (!told.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(10);
        }

        Assert.True(lease.Lost);
    }

    private static Task TakeOverAsync(FollowedWorld world, string sql) => WaitAsync(world, $"with taken as ({sql}) select exists (select from taken)");

    private static async Task WaitAsync(FollowedWorld world, string sql)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await world.Db.ScalarAsync<bool>(sql)) await Task.Delay(20, patience.Token);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private sealed class Acting(Action<EmbedProgress> act) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value) => act(value);
    }
}
