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
