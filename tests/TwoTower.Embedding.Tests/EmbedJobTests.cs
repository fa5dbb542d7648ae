using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Pgvector;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

[Collection(nameof(Alone))]
public sealed class EmbedJobTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly EmbedOptions Options = new() { ChunkRows = 50, Workers = 2, Lease = TimeSpan.FromSeconds(3) };
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    private EmbedJob Job => new(_db.DataSource, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TestVideos.InsertAsync(_db, 1, 300);
        await _db.ExecuteAsync("update public.videos set is_active = false where title = 'video 17'");
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private Task<Release> RegisterAsync(int seed = 1, int dim = 16, bool rpc = true) =>
        _store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(dim, seed, rpc), Golden.AsOf.AddMinutes(seed)), new Recipe());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_video_gets_the_vector_that_the_item_tower_gives_also_an_inactive_one(bool rpc)
    {
        var release = await RegisterAsync(rpc: rpc);
        var stages = new List<EmbedProgress>();
        var result = await Job.RunAsync(null, Options, new Collecting(stages));

        Assert.Equal((release.ModelVersion, 300, 300, false), (result.ModelVersion, result.Embedded, result.Videos, result.Activated));
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(release.ModelVersion)).State);
        Assert.Null(await _store.GetActiveAsync());
        Assert.Contains(stages, step => step is { Stage: EmbedStage.Embedding, Done: 300, Total: 300 });

        using var tower = ItemTower.FromFiles(await _store.OpenAsync(release.ModelVersion));
        await using var command = _db.DataSource.CreateCommand(
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
        Assert.Equal(column, await _db.ScalarAsync<string>(
            $"select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '{release.Table}'::regclass and attname = 'embedding'"));
        var index = await _db.ScalarAsync<string>($"select pg_get_indexdef('two_tower.video_embeddings_{release.Id}_hnsw'::regclass)");
        Assert.Contains($"USING hnsw (embedding {opclass}) WITH (m='8', ef_construction='32')", index, StringComparison.Ordinal);
        Assert.Equal(type, (await _store.GetAsync(release.ModelVersion)).VectorType);
        Assert.True(await _db.ScalarAsync<bool>($"select reltuples = 300 from pg_class where oid = '{release.Table}'::regclass"));
    }

    [Fact]
    public async Task With_activation_the_release_is_served_and_the_public_table_follows()
    {
        await _db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(16)");
        await _db.ExecuteAsync($"insert into public.video_embeddings (video_id, embedding) values (gen_random_uuid(), (select array_agg(1) from generate_series(1, 16))::vector)");
        var (one, two) = (await RegisterAsync(1), await RegisterAsync(2));
        foreach (var release in new[] { one, two })
        {
            var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
            Assert.True(result.Activated);
            Assert.Equal(release.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
            Assert.Equal(300L, await _db.ScalarAsync<long>(
                $"select count(*) from public.video_embeddings p join {release.Table} e using (video_id) where p.embedding = e.embedding"));
            Assert.Equal(300L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
        }
    }

    [Fact]
    public async Task A_shorter_public_table_gets_the_first_numbers_of_a_nested_release()
    {
        await _db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(7)");
        Guid[] videos = [.. Golden.Tables.Videos.Select(video => video.Id)];
        var release = await _store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Histories(videos), Golden.AsOf), new Recipe());
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.DoesNotContain(result.Warnings, warning => warning.Contains("public.video_embeddings", StringComparison.Ordinal));
        Assert.Equal(300L, await _db.ScalarAsync<long>(
            $"""
            select count(*) from public.video_embeddings p join {release.Table} e using (video_id)
            where subvector(p.embedding, 1, 6) = subvector(e.embedding, 1, 6) and abs(vector_norm(p.embedding) - 1) < 1e-6
            """));

        // A user's vector cut likewise orders by cosine as the first numbers alone do.
        Assert.Equal(0L, await _db.ScalarAsync<long>(
            $"""
            with u as (select embedding from {release.Table} order by video_id limit 1),
            scored as (
                select row_number() over (order by (subvector(u.embedding, 1, 6) || '[0]') <=> p.embedding, p.video_id) as of_table,
                    row_number() over (order by subvector(u.embedding, 1, 6) <#> subvector(e.embedding, 1, 6), p.video_id) as of_release
                from u, public.video_embeddings p join {release.Table} e using (video_id))
            select count(*) from scored where abs(of_table - of_release) > 1 -- rounding swaps neighbours
            """));
        var before = await _db.ScalarAsync<DateTime>("select max(updated_at) from public.video_embeddings");
        await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Equal(before, await _db.ScalarAsync<DateTime>("select max(updated_at) from public.video_embeddings"));
    }

    [Fact]
    public async Task A_release_that_is_not_nested_has_nothing_for_a_shorter_public_table()
    {
        await _db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(7)");
        var release = await RegisterAsync();
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Contains("public.video_embeddings isn't vector(16): it is left as it is.", result.Warnings);
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    [Fact]
    public async Task The_first_filling_of_the_public_table_leaves_its_index_as_it_was()
    {
        const string index = "select coalesce(string_agg(indexdef, ';' order by indexdef), '') from pg_indexes where schemaname = 'public' and tablename = 'video_embeddings'";
        await _db.ExecuteAsync(
            """
            drop index if exists public.video_embeddings_embedding_idx;
            alter table public.video_embeddings alter column embedding type vector(16);
            create index "Their Index" on public.video_embeddings using hnsw (embedding vector_cosine_ops) with (m = 8);
            """);
        var before = await _db.ScalarAsync<string>(index);
        Assert.Contains("Their Index", before, StringComparison.Ordinal);
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(before, await _db.ScalarAsync<string>(index));
        Assert.Equal(300L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));

        // With rows in it the index stays in use: the same index, not one like it.
        const string oid = "select 'public.\"Their Index\"'::regclass::oid::bigint";
        var kept = await _db.ScalarAsync<long>(oid);
        await RegisterAsync(2);
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(kept, await _db.ScalarAsync<long>(oid));
        Assert.Equal(300L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings p join two_tower.video_embeddings_2 e using (video_id) where p.embedding = e.embedding"));
    }

    [Fact]
    public async Task A_public_table_that_somebody_is_reading_is_filled_without_waiting_for_them()
    {
        await _db.ExecuteAsync(
            "drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type "
                + "vector(16); create index i on public.video_embeddings using hnsw (embedding vector_cosine_ops)");
        await using var reader = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("select count(*) from public.video_embeddings", reader)) await command.ExecuteScalarAsync();
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(300L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    [Fact]
    public async Task A_public_table_of_another_dimension_is_left_alone_and_the_result_says_so()
    {
        var release = await RegisterAsync();
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Contains("public.video_embeddings isn't vector(16): it is left as it is.", result.Warnings);
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    [Fact]
    public async Task A_run_that_was_cut_off_is_gone_on_with_by_the_next()
    {
        var release = await RegisterAsync();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Job.RunAsync(
            release.ModelVersion, Options with { Workers = 1 }, new Acting(step => { if (step.Done >= 150) cancel.Cancel(); }),
            cancel.Token));
        Assert.Equal(ReleaseState.Embedding, (await _store.GetAsync(release.ModelVersion)).State);
        var there = await _db.ScalarAsync<long>($"select count(*) from {release.Table}");
        Assert.InRange(there, 150, 299);
        Assert.Equal(0, there % 50);

        var result = await Job.RunAsync(null, Options);
        Assert.Equal((300 - there, 300L), (result.Embedded, result.Videos));
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_release_whose_holder_was_killed_is_taken_over_when_its_lease_runs_out()
    {
        var release = await RegisterAsync();
        await _db.ExecuteAsync(
            $"insert into two_tower.release_embeddings (release_id, lease_owner, lease_until) values ({release.Id}, 'killed', clock_timestamp() + interval '2 seconds')");
        var stages = new List<EmbedProgress>();
        var result = await Job.RunAsync(null, Options, new Collecting(stages));
        Assert.Equal(EmbedStage.Waiting, stages[0].Stage);
        Assert.Equal(300, result.Videos);
        Assert.True(await _db.ScalarAsync<bool>("select lease_owner is null and stage = 'finished' and finished_at is not null from two_tower.release_embeddings"));
    }

    [Fact]
    public async Task Two_processes_on_one_release_do_its_work_once()
    {
        var release = await RegisterAsync();
        var results = await Task.WhenAll(Job.RunAsync(release.ModelVersion, Options), Job.RunAsync(release.ModelVersion, Options));
        Assert.Equal(300, results.Sum(result => result.Embedded));
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(release.ModelVersion)).State);
        Assert.Equal(1L, await _db.ScalarAsync<long>("select count(*) from two_tower.release_transitions where to_state = 'ready'"));
    }

    [Fact]
    public async Task A_process_whose_lease_was_taken_stops_without_touching_the_release()
    {
        var release = await RegisterAsync();
        await _db.ExecuteAsync("create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(.05); return new; end $$");
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(
            release.ModelVersion, Options with { Workers = 1, Lease = TimeSpan.FromSeconds(1) }, new Acting(step =>
            {
                if (step is not { Stage: EmbedStage.Embedding, Done: 50 }) return;
                using var connection = _db.DataSource.OpenConnection();
                using var command = new NpgsqlCommand(
                    $"update two_tower.release_embeddings set lease_owner = 'another'; create trigger slow before insert on {release.Table} for each row execute function slow()",
                    connection);
                command.ExecuteNonQuery();
            })));
        Assert.Contains("Another process took over", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Embedding, (await _store.GetAsync(release.ModelVersion)).State);
        Assert.Equal("another", await _db.ScalarAsync<string>("select lease_owner from two_tower.release_embeddings"));
    }

    [Fact]
    public async Task Rows_that_another_process_wrote_meanwhile_are_no_error()
    {
        var release = await RegisterAsync();
        var vectors = await ReleaseVectors.OpenAsync(_db.DataSource, release);
        await using (var connection = await _db.DataSource.OpenConnectionAsync()) await vectors.CreateAsync(connection);
        await foreach (var batch in TestBundles.Batches([.. Enumerable.Range(1, 30).Select(TestVideos.Id)], 16))
        {
            await VectorWriter.AddAsync(_db.DataSource, vectors, new([.. batch.VideoIds.Take(10)], batch.Embeddings[..160], 16), default);
            await VectorWriter.AddAsync(_db.DataSource, vectors, batch, default);
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
            using var connection = _db.DataSource.OpenConnection();
            using var command = new NpgsqlCommand(
                "delete from public.videos where title in ('video 5', 'video 250'); insert into public.videos (id, title) values (gen_random_uuid(), 'new')", connection);
            command.ExecuteNonQuery();
        }));
        Assert.Equal(299, result.Embedded);
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_vector_that_is_missing_at_the_end_fails_the_release_by_name_and_the_live_one_goes_on()
    {
        var live = await RegisterAsync(1);
        await Job.RunAsync(live.ModelVersion, Options with { Activate = true });
        var release = await RegisterAsync(2);
        // A row that the server loses on the way.
        await _db.ExecuteAsync(
            $"""
            create function lose() returns trigger language plpgsql as $$ begin return case when new.video_id = '{TestVideos.Id(42)}' then null else new end; end $$;
            create table {release.Table} (video_id uuid primary key, embedding vector(16) not null, feature_hash bigint, updated_at timestamptz not null default now());
            create trigger lose before insert on {release.Table} for each row execute function lose();
            """);
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options with { Activate = true }));
        Assert.Contains($"1 of 300 videos have no vector, such as {TestVideos.Id(42)}", error.Message, StringComparison.Ordinal);
        var failed = await _store.GetAsync(release.ModelVersion);
        Assert.Equal((ReleaseState.Failed, $"1 of 300 videos have no vector, such as {TestVideos.Id(42)}"), (failed.State, failed.StateReason));
        Assert.Equal(live.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);

        // Trying again starts with a fresh table.
        Assert.Equal(300, (await Job.RunAsync(release.ModelVersion, Options)).Embedded);
    }

    [Fact]
    public async Task A_vector_that_is_not_of_unit_length_fails_the_release()
    {
        var release = await RegisterAsync();
        await _db.ExecuteAsync(
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
        var release = await _store.RegisterAsync(ReleaseFiles.Build(broken, Golden.AsOf), new Recipe());
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options));
        Assert.Contains("item_tower.onnx", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Failed, (await _store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task A_catalogue_without_videos_fails_with_that_reason()
    {
        await _db.ExecuteAsync("delete from public.videos");
        var release = await RegisterAsync();
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(null, Options));
        Assert.Contains("there are no videos to embed", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Failed, (await _store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task Without_a_release_there_is_nothing_to_embed_and_a_retired_one_stays_so()
    {
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(null, Options));
        Assert.Contains("run 'twotower train' first", error.Message, StringComparison.Ordinal);
        var release = await RegisterAsync();
        await _store.TransitionAsync(release.ModelVersion, ReleaseState.Retired, "test", null);
        error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(release.ModelVersion, Options));
        Assert.Contains("is retired and can't be embedded again", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Embedding_a_served_release_again_adds_the_videos_that_came_since()
    {
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        await TestVideos.InsertAsync(_db, 301, 320);
        var result = await Job.RunAsync(null, Options);
        Assert.Equal((20L, 320L), (result.Embedded, result.Videos));
    }

    [Fact]
    public async Task The_span_of_an_embedding_links_to_the_training_of_its_release()
    {
        const string Training = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var release = await RegisterAsync();
        await _db.ExecuteAsync($"update two_tower.releases set traceparent = '{Training}'");
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
