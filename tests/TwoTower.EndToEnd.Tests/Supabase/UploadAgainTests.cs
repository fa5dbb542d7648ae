using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary>An upload into a table that holds something else than it left there: another release's vectors, or other times.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class UploadAgainTests(PostgresFixture postgres, SupabaseServer server)
{
    private const string Stale = """
        create table theirs (video_id uuid primary key, embedding extensions.vector(256) not null, updated_at timestamptz);
        grant all on theirs to service_role;
        insert into theirs select gen_random_uuid(), ('[1' || repeat(',0', 255) || ']')::extensions.vector, t
          from unnest(array['2020-01-01', '2020-01-01', '2020-01-01', null, null]::timestamptz[]) t;
        """;

    [Theory]
    [InlineData("")]
    [InlineData("delete from video_embeddings")]
    [InlineData("delete from video_embeddings where video_id in (select video_id from video_embeddings limit 1)")]
    [InlineData("update video_embeddings set embedding = ('[1' || repeat(',0', 255) || ']')::extensions.vector, updated_at = '2040-01-01'")]
    public async Task An_upload_that_was_interrupted_begins_anew_where_the_table_was_written_since(string change)
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        var other = await TestReleases.ReadyAsync(at.Workplace.Database, TestCheckpoints.Random(256, seed: 2), DateTimeOffset.UnixEpoch);
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == 4, "upload", "embeddings", "--batch", "20");
        if (change.Length > 0) await at.Project.ExecuteAsync(change);
        else await at.Workplace.RunAsync("upload", "embeddings", "--release", other.ModelVersion);

        var again = await at.Workplace.JsonAsync("upload", "embeddings", "--batch", "20");

        Assert.Equal((0, 140), (again.GetProperty("resumed").GetInt32(), again.GetProperty("written").GetInt32()));
        await at.SameVectorsAsync("video_embeddings");
    }

    [Fact]
    public async Task An_upload_that_is_killed_begins_anew_after_the_start_of_another()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync("create table theirs (video_id uuid primary key, embedding extensions.vector(256)); grant all on theirs to service_role");
        var other = await TestReleases.ReadyAsync(at.Workplace.Database, TestCheckpoints.Random(256, seed: 2), DateTimeOffset.UnixEpoch);
        string[] upload = ["upload", "embeddings", "--table", "theirs", "--batch", "20"];
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == 4, upload);
        var before = at.Posts.Count;
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == before + 2, [.. upload, "--release", other.ModelVersion]);

        Assert.Equal(0, (await at.Workplace.JsonAsync(upload)).GetProperty("resumed").GetInt32());
        await at.SameVectorsAsync("theirs");
    }

    /// <summary>Where updated_at has no index, counting by it looks at the whole table.</summary>
    [Theory]
    [InlineData(false, 80, "the rest isn't checked")]
    [InlineData(true, 0, "takes too long to tell")]
    public async Task An_upload_goes_on_where_the_project_can_tell_in_time_that_it_has_the_last_row(bool isSlow, int resumed, string said)
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == 5, "upload", "embeddings", "--batch", "20");
        at.StandIn.Intercept = request => Task.FromResult(
            request.Method == "GET" && (request.Headers.ContainsKey("prefer") || isSlow && request.Path.Contains("order=", StringComparison.Ordinal))
                ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);
        var before = at.Posts.Count;

        var run = await at.Workplace.RunAsync("upload", "embeddings", "--batch", "20");

        Assert.Contains(said, run.Out + run.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("no longer has", run.Out + run.Err, StringComparison.Ordinal);
        Assert.Equal((140 - resumed) / 20, at.Posts.Count - before);
        at.StandIn.Intercept = null;
        await at.SameVectorsAsync("video_embeddings");
    }

    [Fact]
    public async Task Prune_works_after_an_upload_without_it_that_was_interrupted()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync(Stale + DatedBy("null"));
        string[] upload = ["upload", "embeddings", "--table", "theirs", "--batch", "20"];
        await at.KilledAtAsync((request, _) => request.Method == "POST" && at.Posts.Count == 4, upload);
        await at.Project.ExecuteAsync("drop trigger dated on theirs");
        var result = await at.Workplace.JsonAsync([.. upload, "--prune"]);
        Assert.Equal((0, 140, 5), (result.GetProperty("resumed").GetInt32(), result.GetProperty("written").GetInt32(), result.GetProperty("pruned").GetInt32()));
        await at.SameVectorsAsync("theirs");
    }

    /// <summary>A trigger dates the rows by the server's clock, which is a day behind this machine's.</summary>
    [Fact]
    public async Task Prune_goes_by_the_times_that_the_server_gave_and_takes_rows_without_one()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync(Stale + DatedBy("clock_timestamp() - interval '1 day'"));
        var result = await at.Workplace.JsonAsync("upload", "embeddings", "--table", "theirs", "--batch", "50", "--prune");
        Assert.Equal((140, 5), (result.GetProperty("written").GetInt32(), result.GetProperty("pruned").GetInt32()));
        await at.SameVectorsAsync("theirs");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("'infinity'")]
    public async Task Prune_deletes_nothing_where_the_rows_come_back_without_a_time(string time)
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        await at.Project.ExecuteAsync(Stale + DatedBy(time));
        var refused = await at.Workplace.TryAsync("upload", "embeddings", "--table", "theirs", "--prune");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("updated_at", Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(145, await at.Project.ScalarAsync<long>("select count(*) from theirs"));
        Assert.Equal(140, (await at.Workplace.JsonAsync("upload", "embeddings", "--table", "theirs")).GetProperty("written").GetInt32());
    }

    [Fact]
    public async Task The_length_of_another_models_vectors_cuts_none()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server, histories: true);
        await at.Project.ExecuteAsync("""
            create table video_vectors (video_id uuid, model_version text, embedding extensions.vector not null, primary key (video_id, model_version));
            grant all on video_vectors to service_role;
            insert into video_vectors select id, 'a,b', ('[1' || repeat(',0', 255) || ']')::extensions.vector from videos;
            """);
        Assert.Equal(512, (await at.Workplace.JsonAsync("upload", "embeddings", "--table", "video_vectors")).GetProperty("length").GetInt32());
        Assert.Equal(140, await at.Project.ScalarAsync<long>("select count(*) from video_vectors where extensions.vector_dims(embedding) = 512"));
    }

    /// <summary>Before a version's first row only others' rows say how long the table's vectors are.</summary>
    [Theory]
    [InlineData(256, 256)]
    [InlineData(512, 512)]
    [InlineData(1024, null)]
    public async Task A_dry_run_of_a_new_version_says_the_length_of_the_other_vectors(int there, int? length)
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server, histories: true);
        await at.Project.ExecuteAsync($"""
            create table video_vectors (video_id uuid, model_version text, embedding extensions.vector({there}) not null, primary key (video_id, model_version));
            grant all on video_vectors to service_role;
            insert into video_vectors select id, 'older', ('[1' || repeat(',0', {there - 1}) || ']')::extensions.vector from videos;
            """);
        var plan = (await at.Workplace.JsonAsync("upload", "embeddings", "--table", "video_vectors", "--dry-run")).GetProperty("length");
        Assert.Equal(length, plan.ValueKind == System.Text.Json.JsonValueKind.Null ? null : plan.GetInt32());
        Assert.Contains($"others' of {there} numbers", (await at.Workplace.RunAsync("upload", "embeddings", "--table", "video_vectors", "--dry-run")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_that_takes_the_project_too_long_is_halved_and_never_sent_again_as_it_was()
    {
        await using var at = await ProjectFixture.ReadyAsync(postgres, server);
        at.StandIn.Intercept = request => Task.FromResult(
            request.Method == "POST" && request.Body.Length > 200_000 ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);
        await at.Workplace.RunAsync("upload", "embeddings");
        Assert.Equal(at.Posts.Count, at.Posts.Select(request => request.Body).Distinct().Count());
        await at.SameVectorsAsync("video_embeddings");
    }

    private static string DatedBy(string time) => $"""

        create function theirs_dated() returns trigger language plpgsql as $$ begin new.updated_at := {time}; return new; end $$;
        create trigger dated before insert or update on theirs for each row execute function theirs_dated();
        """;
}
