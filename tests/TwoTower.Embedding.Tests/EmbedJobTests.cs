using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Pgvector;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

[Collection(nameof(Alone))]
public sealed class EmbedJobTests(PostgresFixture postgres) : EmbedJobSetup(postgres)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_video_gets_the_vector_that_the_item_tower_gives_also_an_inactive_one(bool rpc)
    {
        var release = await RegisterAsync(rpc: rpc);
        var stages = new List<EmbedProgress>();
        var result = await Job.RunAsync(null, Options, new Collecting(stages));

        Assert.Equal((release.ModelVersion, 300, 300, false), (result.ModelVersion, result.Embedded, result.Videos, result.Activated));
        Assert.Equal(ReleaseState.Ready, (await Store.GetAsync(release.ModelVersion)).State);
        Assert.Null(await Store.GetActiveAsync());
        Assert.Contains(stages, step => step is { Stage: EmbedStage.Embedding, Done: 300, Total: 300 });

        using var tower = ItemTower.FromFiles(await Store.OpenAsync(release.ModelVersion));
        await using var command = Db.DataSource.CreateCommand(
            $"select e.embedding, (select payload::text from two_tower.item_payloads(array[e.video_id])) from {release.Table} e order by video_id limit 40");
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            var expected = new float[16];
            tower.Encode([ItemPayload.Parse(row.GetString(1))], expected);
            var actual = row.GetFieldValue<Vector>(0).ToArray();
            for (var k = 0; k < 16; k++) Close.Equal(expected[k], actual[k], $"[{k}]");
        }
    }

    [Theory]
    [InlineData(VectorType.Vector, "vector(16)", "vector_ip_ops")]
    [InlineData(VectorType.HalfVec, "halfvec(16)", "halfvec_ip_ops")]
    public async Task The_table_has_the_type_that_was_asked_for_and_an_inner_product_index(VectorType type, string column, string opclass)
    {
        var release = await RegisterAsync();
        await Job.RunAsync(release.ModelVersion, Options with { VectorType = type, Index = new() { M = 8, EfConstruction = 32 } });
        Assert.Equal(column, await Db.ScalarAsync<string>(
            $"select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '{release.Table}'::regclass and attname = 'embedding'"));
        var index = await Db.ScalarAsync<string>($"select pg_get_indexdef('two_tower.video_embeddings_{release.Id}_hnsw'::regclass)");
        Assert.Contains($"USING hnsw (embedding {opclass}) WITH (m='8', ef_construction='32')", index, StringComparison.Ordinal);
        Assert.Equal(type, (await Store.GetAsync(release.ModelVersion)).VectorType);
        Assert.True(await Db.ScalarAsync<bool>($"select reltuples = 300 from pg_class where oid = '{release.Table}'::regclass"));
    }

    [Fact]
    public async Task A_run_that_was_cut_off_is_gone_on_with_by_the_next()
    {
        var release = await RegisterAsync();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Job.RunAsync(
            release.ModelVersion, Options with { Workers = 1 }, new Acting(step => { if (step.Done >= 150) cancel.Cancel(); }),
            cancel.Token));
        Assert.Equal(ReleaseState.Embedding, (await Store.GetAsync(release.ModelVersion)).State);
        var there = await Db.ScalarAsync<long>($"select count(*) from {release.Table}");
        Assert.InRange(there, 150, 299);
        Assert.Equal(0, there % 50);

        var result = await Job.RunAsync(null, Options);
        Assert.Equal((300 - there, 300L), (result.Embedded, result.Videos));
        Assert.Equal(ReleaseState.Ready, (await Store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_release_whose_holder_was_killed_is_taken_over_when_its_lease_runs_out()
    {
        var release = await RegisterAsync();
        await Db.ExecuteAsync(
            $"insert into two_tower.release_embeddings (release_id, lease_owner, lease_until) values ({release.Id}, 'killed', clock_timestamp() + interval '2 seconds')");
        var stages = new List<EmbedProgress>();
        var result = await Job.RunAsync(null, Options, new Collecting(stages));
        Assert.Equal(EmbedStage.Waiting, stages[0].Stage);
        Assert.Equal(300, result.Videos);
        Assert.True(await Db.ScalarAsync<bool>("select lease_owner is null and stage = 'finished' and finished_at is not null from two_tower.release_embeddings"));
    }

    [Fact]
    public async Task Two_processes_on_one_release_do_its_work_once()
    {
        var release = await RegisterAsync();
        var results = await Task.WhenAll(Job.RunAsync(release.ModelVersion, Options), Job.RunAsync(release.ModelVersion, Options));
        Assert.Equal(300, results.Sum(result => result.Embedded));
        Assert.Equal(ReleaseState.Ready, (await Store.GetAsync(release.ModelVersion)).State);
        Assert.Equal(1L, await Db.ScalarAsync<long>("select count(*) from two_tower.release_transitions where to_state = 'ready'"));
    }

    [Fact]
    public async Task A_process_whose_lease_was_taken_stops_without_touching_the_release()
    {
        var release = await RegisterAsync();
        await Db.ExecuteAsync("create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(.05); return new; end $$");
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(
            release.ModelVersion, Options with { Workers = 1, Lease = TimeSpan.FromSeconds(1) }, new Acting(step =>
            {
                if (step is not { Stage: EmbedStage.Embedding, Done: 50 }) return;
                using var connection = Db.DataSource.OpenConnection();
                using var command = new NpgsqlCommand(
                    $"update two_tower.release_embeddings set lease_owner = 'another'; create trigger slow before insert on {release.Table} for each row execute function slow()",
                    connection);
                command.ExecuteNonQuery();
            })));
        Assert.Contains("Another process took over", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Embedding, (await Store.GetAsync(release.ModelVersion)).State);
        Assert.Equal("another", await Db.ScalarAsync<string>("select lease_owner from two_tower.release_embeddings"));
    }

    [Fact]
    public async Task Rows_that_another_process_wrote_meanwhile_are_no_error()
    {
        var release = await RegisterAsync();
        var vectors = await ReleaseVectors.OpenAsync(Db.DataSource, release);
        await using (var connection = await Db.DataSource.OpenConnectionAsync()) await vectors.CreateAsync(connection);
        await foreach (var batch in TestBundles.Batches([.. Enumerable.Range(1, 30).Select(TestVideos.Id)], 16))
        {
            await VectorWriter.AddAsync(Db.DataSource, vectors, new([.. batch.VideoIds.Take(10)], batch.Embeddings[..160], 16), default);
            await VectorWriter.AddAsync(Db.DataSource, vectors, batch, default);
        }

        Assert.Equal(30, await vectors.CountAsync());
    }

    [Fact]
    public async Task Videos_that_come_and_go_while_embedding_do_not_fail_the_release()
    {
        var release = await RegisterAsync();
        var done = false;
        var result = await Job.RunAsync(release.ModelVersion, Options with { Workers = 1 }, new Acting(step =>
        {
            if (done || step is not { Stage: EmbedStage.Embedding, Done: >= 50 }) return;
            done = true;
            using var connection = Db.DataSource.OpenConnection();
            using var command = new NpgsqlCommand(
                "delete from public.videos where title in ('video 5', 'video 250'); insert into public.videos (id, title) values (gen_random_uuid(), 'new')", connection);
            command.ExecuteNonQuery();
        }));
        Assert.Equal(299, result.Embedded);
        Assert.Equal(ReleaseState.Ready, (await Store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_vector_that_is_missing_at_the_end_fails_the_release_by_name_and_the_live_one_goes_on()
    {
        var live = await RegisterAsync(1);
        await Job.RunAsync(live.ModelVersion, Options with { Activate = true });
        var release = await RegisterAsync(2);
        // A row that the server loses on the way.
        await Db.ExecuteAsync(
            $"""
            create function lose() returns trigger language plpgsql as $$ begin return case when new.video_id = '{TestVideos.Id(42)}' then null else new end; end $$;
            create table {release.Table} (video_id uuid primary key, embedding vector(16) not null, feature_hash bigint, updated_at timestamptz not null default now());
            create trigger lose before insert on {release.Table} for each row execute function lose();
            """);
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options with { Activate = true }));
        Assert.Contains($"1 of 300 videos have no vector, such as {TestVideos.Id(42)}", error.Message, StringComparison.Ordinal);
        var failed = await Store.GetAsync(release.ModelVersion);
        Assert.Equal((ReleaseState.Failed, $"1 of 300 videos have no vector, such as {TestVideos.Id(42)}"), (failed.State, failed.StateReason));
        Assert.Equal(live.ModelVersion, (await Store.GetActiveAsync())?.ModelVersion);

        // Trying again starts with a fresh table.
        Assert.Equal(300, (await Job.RunAsync(release.ModelVersion, Options)).Embedded);
    }

    [Fact]
    public async Task A_vector_that_is_not_of_unit_length_fails_the_release()
    {
        var release = await RegisterAsync();
        await Db.ExecuteAsync(
            $"""
            create function stretch() returns trigger language plpgsql as $$
            begin if new.video_id = '{TestVideos.Id(7)}' then new.embedding := (select array_agg(1) from generate_series(1, 16))::vector; end if; return new; end $$;
            create table {release.Table} (video_id uuid primary key, embedding vector(16) not null, feature_hash bigint, updated_at timestamptz not null default now());
            create trigger stretch before insert on {release.Table} for each row execute function stretch();
            """);
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options));
        Assert.Contains($"1 vectors aren't of unit length, such as that of video {TestVideos.Id(7)}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_with_a_NaN_weight_fails_the_release_before_anything_is_written()
    {
        var checkpoint = TestCheckpoints.Random();
        var last = checkpoint.Item.Layers[^1];
        var broken =
            checkpoint with { Item = new([.. checkpoint.Item.Layers.SkipLast(1), last with { Bias = [float.NaN, .. last.Bias[1..]] }]) };
        var release = await Store.RegisterAsync(ReleaseFiles.Build(broken, Golden.AsOf), new Recipe());
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options));
        Assert.Contains("item_tower.onnx", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Failed, (await Store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_catalogue_without_videos_fails_with_that_reason()
    {
        await Db.ExecuteAsync("delete from public.videos");
        var release = await RegisterAsync();
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(null, Options));
        Assert.Contains("there are no videos to embed", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Failed, (await Store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task Without_a_release_there_is_nothing_to_embed_and_a_retired_one_stays_so()
    {
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(null, Options));
        Assert.Contains("run 'twotower train' first", error.Message, StringComparison.Ordinal);
        var release = await RegisterAsync();
        await Store.TransitionAsync(release.ModelVersion, ReleaseState.Retired, "test", null);
        error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options));
        Assert.Contains("is retired and can't be embedded again", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Embedding_a_served_release_again_adds_the_videos_that_came_since()
    {
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        await TestVideos.InsertAsync(Db, 301, 320);
        var result = await Job.RunAsync(null, Options);
        Assert.Equal((20L, 320L), (result.Embedded, result.Videos));
    }

    [Fact]
    public async Task The_span_of_an_embedding_links_to_the_training_of_its_release()
    {
        const string Training = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var release = await RegisterAsync();
        await Db.ExecuteAsync($"update two_tower.releases set traceparent = '{Training}'");
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EmbedTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        await Job.RunAsync(release.ModelVersion, Options);

        var embed = Assert.Single(spans, span => span.OperationName == "embed release" && Equals(span.GetTagItem("twotower.model_version"), release.ModelVersion));
        var link = Assert.Single(embed.Links).Context;
        Assert.Equal(Training, $"00-{link.TraceId}-{link.SpanId}-01");
    }

    [Fact]
    public async Task Progress_tells_rate_and_time_left()
    {
        var clock = new FakeTimeProvider();
        var steps = new List<EmbedProgress>();
        var stage = new StageClock("x", clock, new Collecting(steps));
        await stage.RunAsync(EmbedStage.Embedding, 1000, () =>
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            stage.Report(300); // 100 were there before: 20 a second
            return Task.FromResult(true);
        }, done: 100);
        Assert.Equal((100, (double?)null, (TimeSpan?)null), (steps[0].Done, steps[0].PerSecond, steps[0].Remaining));
        Assert.Equal(
            (300, 1000, 20.0, TimeSpan.FromSeconds(35)), (steps[^1].Done, steps[^1].Total, steps[^1].PerSecond, steps[^1].Remaining));
        Assert.Equal(TimeSpan.FromSeconds(10), stage.Stages[EmbedStage.Embedding]);
    }

    private sealed class Collecting(List<EmbedProgress> steps) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value)
        {
            lock (steps) steps.Add(value);
        }
    }

    private sealed class Acting(Action<EmbedProgress> act) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value) => act(value);
    }
}
