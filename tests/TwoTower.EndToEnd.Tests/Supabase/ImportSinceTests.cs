using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary><c>twotower import supabase --since</c>: which decisions this import reads, and from where on the next one does.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class ImportSinceTests(PostgresFixture postgres, SupabaseServer server)
{
    private const string Decisions = "select count(*) from user_video_decisions";

    // The golden decisions end in 2025; ten of these are a month old, ten of today.
    private const string Recent = """
        insert into user_video_decisions (user_id, video_id, decision_type, created_at)
          select user_id, (select id from videos limit 1), 'like', now() - d * interval '30 days' - interval '1 minute'
          from (select user_id from profiles order by user_id limit 10) p, generate_series(0, 1) d
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_later_since_leaves_a_gap_that_the_next_import_reads(bool isFirst)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        if (!isFirst) await at.Workplace.RunAsync("import", "supabase");
        await at.Project.ExecuteAsync(Recent);

        var since = await at.Workplace.RunAsync("import", "supabase", "--since", "7d");
        Assert.Contains("the next import without --since reads", since.Out, StringComparison.Ordinal);
        Assert.Equal(isFirst ? 10 : 1654, await at.Workplace.Database.ScalarAsync<long>(Decisions));

        await at.Workplace.RunAsync("import", "supabase");
        Assert.Equal(await at.Project.ScalarAsync<long>(Decisions), await at.Workplace.Database.ScalarAsync<long>(Decisions));
    }

    [Fact]
    public async Task A_since_before_the_last_import_moves_the_mark()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.Workplace.RunAsync("import", "supabase");
        await at.Project.ExecuteAsync(Recent);
        var run = await at.Workplace.RunAsync("import", "supabase", "--since", "2020-01-01");
        Assert.DoesNotContain("the next import without", run.Out, StringComparison.Ordinal);
        Assert.Equal(10, (await at.Workplace.JsonAsync("import", "supabase")).GetProperty("counts").GetProperty("decisions").GetInt32());
    }

    /// <summary>A phone was offline: its decision has an earlier time than the last one that was imported.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(59)]
    public async Task A_decision_that_came_late_is_imported_whatever_since_left_out_before(int minutes)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.Workplace.RunAsync("import", "supabase");
        var last = await at.Project.ScalarAsync<DateTime>("select max(created_at) from user_video_decisions");
        await at.Project.ExecuteAsync($"""
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
              select (select user_id from profiles order by user_id limit 1), (select id from videos order by id limit 1), 'like',
                '{last:yyyy-MM-dd HH:mm:ss.ffffff}+00'::timestamptz + m * interval '1 minute'
              from unnest(array[{-minutes}, 600]) m
            """);

        await at.Workplace.RunAsync("import", "supabase", "--since", $"{last.AddMinutes(0.5 - minutes):yyyy-MM-ddTHH:mm:ssZ}");
        await at.Workplace.RunAsync("import", "supabase");

        Assert.Equal(1646, await at.Project.ScalarAsync<long>(Decisions));
        Assert.Equal(1646, await at.Workplace.Database.ScalarAsync<long>(Decisions));
    }

    [Fact]
    public async Task Days_ago_are_those_of_the_import_that_was_interrupted()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.Project.ExecuteAsync(Recent);
        string[] import = ["import", "supabase", "--since", "7d", "--page", "40"];
        await at.KilledAtAsync((request, _) => request.Path.Contains("created_at=gte.", StringComparison.Ordinal), import);
        var before = at.StandIn.Requests.Count;

        var resumed = await at.Workplace.RunAsync(import);

        Assert.Contains("going on with the import", resumed.Out, StringComparison.Ordinal);
        Assert.All(at.StandIn.Requests.Skip(before), request => Assert.Contains("user_video_decisions", request.Path, StringComparison.Ordinal));
        Assert.Equal(10, await at.Workplace.Database.ScalarAsync<long>(Decisions));
    }

    /// <summary>A table without an index on created_at: neither its last decision nor its rows can be had at once.</summary>
    [Fact]
    public async Task A_project_that_cannot_count_or_sort_its_decisions_in_time_is_imported_whole_and_then_what_is_new()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        var last = await at.Project.ScalarAsync<DateTime>("select max(created_at) from user_video_decisions");
        at.StandIn.Intercept = request => Task.FromResult(
            request.Path.Contains("order=created_at.desc", StringComparison.Ordinal) || request.Headers.ContainsKey("prefer")
                ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);

        await at.Workplace.RunAsync("import", "supabase");
        Assert.Equal(1644, await at.Workplace.Database.ScalarAsync<long>(Decisions));

        await at.Project.ExecuteAsync(Recent);
        var since = (await at.Workplace.JsonAsync("import", "supabase")).GetProperty("since");
        Assert.Equal(last.AddHours(-1), since.GetDateTimeOffset().UtcDateTime);
        Assert.Equal(1664, await at.Workplace.Database.ScalarAsync<long>(Decisions));
    }
}
