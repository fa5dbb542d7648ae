using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary>The tests that share a server in Supabase's shape.</summary>
[CollectionDefinition(nameof(SupabaseProjects))]
public sealed class SupabaseProjects : ICollectionFixture<SupabaseServer>;

/// <summary>A workplace, and a Supabase project that its verbs speak to over HTTP: its database is another than the workplace's.</summary>
public sealed class ProjectFixture : IAsyncDisposable
{
    private ProjectFixture(Workplace workplace, TestDatabase project, SupabaseStandIn standIn) =>
        (Workplace, Project, StandIn) = (workplace, project, standIn);

    public Workplace Workplace { get; }

    public TestDatabase Project { get; }

    public SupabaseStandIn StandIn { get; }

    /// <param name="shape">Makes the project's tables; null: TwoTower's migrations do.</param>
    public static async Task<ProjectFixture> CreateAsync(PostgresFixture postgres, SupabaseServer server, string? shape = null)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var project = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        if (shape is null) await Migrator.MigrateAsync(project.DataSource, null, default);
        else await project.ExecuteAsync(shape);
        var standIn = new SupabaseStandIn(project);
        var workplace = await Workplace.CreateAsync(postgres);
        workplace.Environment["SUPABASE_URL"] = standIn.Url;
        workplace.Environment["SUPABASE_SECRET_KEY"] = SupabaseStandIn.SecretKey;
        return new(workplace, project, standIn);
    }

    /// <summary>Both databases with the golden tables, and a release in the workplace's that is live.</summary>
    /// <param name="histories">A nested release of 512 numbers instead of one of 256.</param>
    public static async Task<ProjectFixture> ReadyAsync(PostgresFixture postgres, SupabaseServer server, bool histories = false)
    {
        var at = await CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var checkpoint = histories ? TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)], 512)
            : TestCheckpoints.Random(256);
        var release = await TestReleases.ActivateAsync(at.Workplace.Database, checkpoint);
        if (histories)
        {
            await Embedding.Publishing.PublicTable.SyncAsync(
                at.Workplace.Database.DataSource, await Postgres.Releases.ReleaseVectors.OpenAsync(at.Workplace.Database.DataSource,
                    release), 256, new(), null, default);
        }

        return at;
    }

    /// <summary>The requests that wrote.</summary>
    public IReadOnlyList<StandInRequest> Posts => [.. StandIn.Requests.Where(request => request.Method == "POST")];

    /// <summary>The project's table holds the live release's vectors, and no others.</summary>
    public async Task SameVectorsAsync(string table)
    {
        var release = await Workplace.Database.ScalarAsync<string>("select 'two_tower.video_embeddings_' || release_id from two_tower.active_release");
        Assert.Equal(
            await ContentAsync(Workplace.Database, $"(select video_id, embedding from {release})"),
            await ContentAsync(Project, $"(select video_id, embedding from {table})"));
    }

    /// <summary>What a table has, whatever the order of its rows.</summary>
    public static Task<string> ContentAsync(TestDatabase db, string table) =>
        db.ScalarAsync<string>($"select coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {table} t");

    /// <summary>Holds the request that meets a condition until the verb is killed, and kills it there.</summary>
    public async Task KilledAtAsync(Func<StandInRequest, int, bool> isThere, params string[] verb)
    {
        var (count, reached) = (0, new TaskCompletionSource());
        StandIn.Intercept = async request =>
        {
            if (!isThere(request, Interlocked.Increment(ref count))) return null;
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token).ContinueWith(_ => { },
                TaskScheduler.Default);
            return new(503);
        };
        await using (var process = Workplace.Start(verb))
        {
            var ended = process.ExitAsync();
            Assert.True(await Task.WhenAny(reached.Task, ended) == reached.Task, ended.IsCompleted ? (await ended).Out + (await ended).Err : "");
            process.Kill();
            await ended;
        }

        StandIn.Intercept = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StandIn.DisposeAsync();
        await Workplace.DisposeAsync();
        await Project.DisposeAsync();
    }
}
