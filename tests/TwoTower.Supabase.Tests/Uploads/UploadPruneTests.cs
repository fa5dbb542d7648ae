using System.Globalization;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Uploads;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Uploads;

/// <summary>Old rows go, however many the project can look through in its time.</summary>
public sealed class UploadPruneTests(SupabaseServer server)
{
    private const string Rows = """
        create table theirs (video_id uuid primary key, updated_at timestamptz);
        grant all on theirs to service_role;
        insert into theirs select md5('v' || i)::uuid, case i % 4 when 0 then '2026-02-01' when 1 then null else '2026-01-01' end::timestamptz
          from generate_series(1, 1000) i;
        """;

    [Theory]
    [InlineData(20_000, 1)]
    [InlineData(400, 4)]  // 312 rows at once
    [InlineData(60, 20)]  // 50 at once
    public async Task Each_range_is_one_that_the_project_can_delete(int limit, int ranges)
    {
        await using var project = await TestProject.OpenAsync(server, Rows);
        Limit(project, limit);

        Assert.Equal(750, await PruneAsync(project));

        Assert.Equal(250, await project.Db.ScalarAsync<long>("select count(*) from theirs where updated_at = '2026-02-01'"));
        Assert.Equal(250, await project.Db.ScalarAsync<long>("select count(*) from theirs"));
        var deletions = project.StandIn.Requests.Count(request => request.Method == "DELETE");
        Assert.InRange(deletions, ranges, 2 * ranges + 8);
    }

    [Fact]
    public async Task Where_no_range_is_small_enough_the_message_says_what_mends_it_and_promises_nothing()
    {
        await using var project = await TestProject.OpenAsync(server, Rows);
        Limit(project, 10);
        var error = await Assert.ThrowsAsync<RemoteException>(() => PruneAsync(project));
        Assert.Contains("statement_timeout", error.Message, StringComparison.Ordinal);
        Assert.Contains("theirs", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("goes on where it was", error.Message, StringComparison.Ordinal);
        Assert.Equal(1000, await project.Db.ScalarAsync<long>("select count(*) from theirs"));
    }

    private static Task<long> PruneAsync(TestProject project) => new UploadPrune(
        project.Client, new("theirs", null, HasVersion: false, HasTime: true), "", "2026-01-15T00:00:00+00:00", _ => { }).RunAsync(default);

    // A deletion among more rows than the limit takes too long: as many as the last question was about.
    private static void Limit(TestProject project, int rows)
    {
        var asked = int.MaxValue;
        project.StandIn.Intercept = request =>
        {
            if (request.Method == "GET" && request.Path.Split("offset=") is [_, var rest])
            {
                asked = int.Parse(rest.Split('&')[0], CultureInfo.InvariantCulture) + 1;
            }

            return Task.FromResult(request.Method == "DELETE" && asked > rows
                ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);
        };
    }
}
