using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary><c>twotower upload embeddings</c>: what the project's table has afterwards.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class UploadVerbTests(PostgresFixture postgres, SupabaseServer server)
{
    [Fact]
    public async Task Vectors_of_a_release_go_into_the_table_as_the_embedder_writes_it()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        var dry = await at.Workplace.JsonAsync("upload", "embeddings", "--dry-run");
        Assert.Equal((140, 1, true), (dry.GetProperty("vectors").GetInt32(), dry.GetProperty("requests").GetInt32(), dry.GetProperty("dry_run").GetBoolean()));
        Assert.Equal(0, await at.Project.ScalarAsync<long>("select count(*) from video_embeddings"));

        var run = await at.Workplace.RunAsync("upload", "embeddings", "--batch", "50", "--verbose");
        Assert.Contains("140 vectors", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, run.Out + run.Err, StringComparison.Ordinal);
        Assert.Equal(3, at.Posts.Count);
        await at.SameVectorsAsync("video_embeddings");

        // Again: the same rows.
        await at.Workplace.RunAsync("upload", "embeddings");
        await at.SameVectorsAsync("video_embeddings");
    }

    [Fact]
    public async Task Vectors_of_512_numbers_are_cut_as_the_public_table_cuts_them()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server, histories: true);
        var run = await at.Workplace.RunAsync("upload", "embeddings");
        Assert.Contains("cut from 512 to 256 numbers", run.Out, StringComparison.Ordinal);
        await at.Project.ExecuteAsync("create table theirs (video_id uuid primary key, embedding extensions.vector(256)); grant all on theirs to postgres");
        foreach (var row in await at.Workplace.Database.ListAsync<string>("select video_id || '|' || embedding::text from public.video_embeddings"))
        {
            var parts = row.Split('|');
            await at.Project.ExecuteAsync($"insert into theirs values ('{parts[0]}', '{parts[1]}')");
        }

        Assert.Equal(140, await at.Project.ScalarAsync<long>("select count(*) from theirs"));
        Assert.Equal(140, await at.Project.ScalarAsync<long>(
            "select count(*) from theirs t join video_embeddings e using (video_id) where t.embedding operator(extensions.<->) e.embedding < 1e-6"));
    }

    [Fact]
    public async Task A_versioned_table_keeps_the_vectors_of_each_release_and_loses_what_is_stale()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync("""
            create table video_vectors (video_id uuid, model_version text, embedding extensions.vector(256) not null, updated_at timestamptz, primary key (video_id, model_version));
            grant all on video_vectors to service_role;
            insert into video_vectors select id, 'older', ('[1' || repeat(',0', 255) || ']')::extensions.vector, '2020-01-01' from videos;
            """);
        var result = await at.Workplace.JsonAsync("upload", "embeddings", "--table", "video_vectors");
        Assert.True(result.GetProperty("versioned").GetBoolean());
        var version = result.GetProperty("model_version").GetString();
        await at.Project.ExecuteAsync($"insert into video_vectors select gen_random_uuid(), '{version}', embedding, '2020-01-01' from video_vectors limit 4");
        Assert.Equal(4, (await at.Workplace.JsonAsync("upload", "embeddings", "--table", "video_vectors", "--prune")).GetProperty("pruned").GetInt32());
        Assert.Equal(140, await at.Project.ScalarAsync<long>("select count(*) from video_vectors where model_version = 'older'"));
        Assert.Equal(140, await at.Project.ScalarAsync<long>($"select count(*) from video_vectors where model_version = '{version}'"));
    }

    [Fact]
    public async Task An_upload_that_is_killed_goes_on_where_it_was()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == 4, "upload", "embeddings", "--batch", "20");
        Assert.Equal(60, await at.Project.ScalarAsync<long>("select count(*) from video_embeddings"));
        var before = at.Posts.Count;
        var table = await at.Workplace.Database.ScalarAsync<string>("select 'two_tower.video_embeddings_' || release_id from two_tower.active_release");
        await at.Workplace.Database.ExecuteAsync($"update {table} set updated_at = clock_timestamp() where video_id = (select min(video_id::text)::uuid from {table})");

        var resumed = await at.Workplace.JsonAsync("upload", "embeddings", "--batch", "20");

        Assert.Equal((60, 81), (resumed.GetProperty("resumed").GetInt32(), resumed.GetProperty("written").GetInt32()));
        Assert.Equal(5, at.Posts.Count - before);
        await at.SameVectorsAsync("video_embeddings");
    }

    [Fact]
    public async Task A_crowded_gateway_is_waited_for_and_one_with_a_limit_gets_smaller_requests()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        var count = 0;
        at.StandIn.Intercept = request => Task.FromResult<StandInFault?>(request.Method != "POST" ? null
            : Interlocked.Increment(ref count) <= 2 ? new(429, RetryAfter: 1) : request.Body.Length > 200_000 ? new(413) : null);
        var run = await at.Workplace.RunAsync("upload", "embeddings");
        Assert.Contains("answers 429; again in 1.0 s", run.Out, StringComparison.Ordinal);
        Assert.Contains("from now on", run.Out, StringComparison.Ordinal);
        at.StandIn.Intercept = null;
        await at.SameVectorsAsync("video_embeddings");
    }

    [Fact]
    public async Task Vectors_of_videos_that_the_project_lacks_are_left_out_and_told()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync("delete from video_embeddings; delete from videos where id in (select id from videos order by id limit 5)");
        await at.Project.ExecuteAsync("alter table video_embeddings drop constraint if exists theirs; alter table video_embeddings add constraint theirs foreign key (video_id) references videos");
        var result = await at.Workplace.JsonAsync("upload", "embeddings");
        Assert.Equal((135, 5), (result.GetProperty("written").GetInt32(), result.GetProperty("absent").GetInt32()));
    }

    [Fact]
    public async Task A_bundle_is_uploaded_without_a_database_and_what_does_not_fit_is_refused()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Workplace.RunAsync("export", at.Workplace.PathOf("bundle"));
        var result = await at.Workplace.JsonAsync("upload", "embeddings", "--bundle", at.Workplace.PathOf("bundle"));
        Assert.Equal(140, result.GetProperty("written").GetInt32());
        await at.SameVectorsAsync("video_embeddings");

        await at.Project.ExecuteAsync("create table short (video_id uuid primary key, embedding extensions.vector(16)); grant all on short to service_role");
        foreach (var (table, named) in new[] { ("short", "takes vectors of 16 numbers"), ("nowhere", "nowhere"), ("a b", "a b") })
        {
            var refused = await at.Workplace.TryAsync("upload", "embeddings", "--table", table);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(named, Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        }
    }
}
