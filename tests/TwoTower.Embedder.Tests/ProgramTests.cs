using System.Diagnostics;
using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Embedding.Tests.Following;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedder.Tests;

/// <summary>The worker as a process.</summary>
public sealed class ProgramTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_process_embeds_what_was_trained_and_exits_with_0_when_told_to_stop()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM on Windows");
        await using var db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(db, 1, 20);
        var store = new ReleaseStore(db.DataSource);
        var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());

        using var process = Start(("ConnectionStrings__twotower", db.ConnectionString), ("TwoTower__Embedder__ActivateFirst", "true"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (await store.GetActiveAsync(patience.Token) is null)
        {
            Assert.False(process.HasExited, "the worker ended by itself");
            await Task.Delay(100, patience.Token);
        }

        Assert.Equal(release.ModelVersion, (await store.GetActiveAsync())?.ModelVersion);
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_process_that_starts_before_its_database_works_when_that_has_come()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(db, 1, 20);
        var store = new ReleaseStore(db.DataSource);
        var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());
        var database = new NpgsqlConnectionStringBuilder(db.ConnectionString);
        await using var network = TcpProxy.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", network.Port);
        network.Cut();

        using var process = Start(("ConnectionStrings__twotower", database.ConnectionString), ("TwoTower__Embedder__ActivateFirst", "true"));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await network.RefusedAsync(10);
        Assert.False(process.HasExited, "the worker ended by itself");
        network.Restore();

        while (await store.GetActiveAsync(patience.Token) is null) await Task.Delay(100, patience.Token);
        Assert.Equal(release.ModelVersion, (await store.GetActiveAsync())?.ModelVersion);
        process.Kill();
        await process.WaitForExitAsync(patience.Token);
    }

    [Fact]
    public async Task A_process_that_was_killed_is_gone_on_with_at_the_next_start()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(db, 1, 3000);
        var store = new ReleaseStore(db.DataSource);
        var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());
        (string, string)[] settings =
        [
            ("ConnectionStrings__twotower", db.ConnectionString), ("TwoTower__Embedder__ActivateFirst", "true"),
            ("TwoTower__Embedder__Embedding__ChunkRows", "5"), ("TwoTower__Embedder__Embedding__Lease", "00:00:02"),
        ];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using (var killed = Start(settings))
        {
            while (await db.ScalarAsync<long>($"select coalesce((select n_live_tup from pg_stat_user_tables where relid = to_regclass('{release.Table}')), 0)") == 0)
            {
                Assert.False(killed.HasExited, "the worker ended by itself");
                await Task.Delay(20, patience.Token);
            }

            killed.Kill();
            await killed.WaitForExitAsync(patience.Token);
        }

        Assert.Equal(ReleaseState.Embedding, (await store.GetAsync(release.ModelVersion)).State);
        var before = await db.ScalarAsync<long>($"select count(*) from {release.Table}");
        Assert.InRange(before, 5, 2999);
        var last = await db.ScalarAsync<DateTime>($"select max(updated_at) from {release.Table}");

        using var next = Start(settings);
        while (await store.GetActiveAsync(patience.Token) is null) await Task.Delay(100, patience.Token);
        next.Kill();
        await next.WaitForExitAsync(patience.Token);
        Assert.Equal(3000L, await db.ScalarAsync<long>($"select count(*) from {release.Table}"));
        Assert.Equal(before, await db.ScalarAsync<long>($"select count(*) from {release.Table} where updated_at <= '{last:O}'"));
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_follows_changes_loses_none()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 2000);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync("update videos set price = coalesce(price, 0) + 1000");
        (string, string)[] settings =
        [
            ("ConnectionStrings__twotower", world.Db.ConnectionString), ("TwoTower__Embedder__FollowRows", "20"), ("TwoTower__Embedder__Embedding__Lease", "00:00:02"),
        ];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using (var killed = Start(settings))
        {
            while (await world.Db.ScalarAsync<long>($"select count(*) from {release.Table} where updated_at > (select max(at) from two_tower.activations)") < 100)
            {
                Assert.False(killed.HasExited, "the worker ended by itself");
                await Task.Delay(20, patience.Token);
            }

            killed.Kill();
            await killed.WaitForExitAsync(patience.Token);
        }

        using var next = Start(settings);
        await world.WaitUntilRightAsync(release);
        while (await world.WaitingAsync() > 0) await Task.Delay(50, patience.Token);
        next.Kill();
        await next.WaitForExitAsync(patience.Token);
    }

    [Fact]
    public async Task Where_no_api_runs_a_process_does_the_upkeep_when_it_is_told_to()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var store = new ReleaseStore(db.DataSource);
        var first = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        var second = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        // Every request fails because of the second; and a day of impressions is due to go.
        await db.ExecuteAsync($$"""
            select two_tower.add_serving_counts(array['{{second.ModelVersion}}'], '{0}', '{0}', '{40}');
            select two_tower.add_serving_faults(array['{{second.ModelVersion}}'], '{failed}', array[gen_random_uuid()]) from generate_series(1, 40);
            select two_tower.impression_partition(current_date - 40);
            insert into two_tower.impression_days values (current_date - 40, 0);
            """);
        using var process = Start(
            ("ConnectionStrings__twotower", db.ConnectionString), ("TwoTower__Embedder__Upkeep", "true"), ("TwoTower__Rollback__CheckInterval", "00:00:00.1"),
            ("TwoTower__Rollback__MinRequests", "20"), ("TwoTower__Rollback__MinFailedUsers", "5"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        foreach (var condition in new[]
        {
            "exists (select from two_tower.video_statistics where like_count > 0)",
            "not exists (select from pg_inherits where inhparent = 'two_tower.impressions'::regclass)",
            $"exists (select from two_tower.active_release a join two_tower.releases r using (release_id) where r.model_version = '{first.ModelVersion}')",
        })
        {
            while (!await db.ScalarAsync<bool>($"select {condition}"))
            {
                Assert.False(process.HasExited, "the worker ended by itself");
                await Task.Delay(100, patience.Token);
            }
        }

        process.Kill();
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(first.ModelVersion, (await store.GetActiveAsync())?.ModelVersion);
    }

    [Theory]
    [InlineData("TwoTower__Embedder__Upkeep", "maybe", "TwoTower:Embedder:Upkeep is 'maybe', which isn't true or false")]
    [InlineData("TwoTower__Popularity__Spread", "0", "Spread: ")]
    [InlineData("TwoTower__Rollback__MinRequests", "0", "MinRequests: ")]
    [InlineData("ConnectionStrings__other", "x", "no connection string for the database")]
    [InlineData("TwoTower__Embedder__Embedding__Workers", "0", "A setting of TwoTower:Embedder can't be used: Workers: ")]
    [InlineData("TwoTower__Gate__MinUsers", "1", "MinUsers: ")]
    [InlineData("TwoTower__Gate__MinUsers", "many", "TwoTower:Gate:MinUsers is 'many', which isn't a whole number")]
    [InlineData("TwoTower__Embedder__Publish__Every", "00:00:00", "A setting of TwoTower:Embedder:Publish can't be used: Every: ")]
    [InlineData("TwoTower__Embedder__Publish__Every", "often", "TwoTower:Embedder:Publish:Every is 'often', which isn't a time")]
    [InlineData("TwoTower__Embedder__Publish__Major", "three", "Major: it is a generation such as v3")]
    [InlineData("TwoTower__Embedder__Publish__Place", "ftp://files", "'ftp://files' is no place to publish to")]
    [InlineData("TwoTower__Embedder__Publish__Place", "supabase", "SUPABASE_URL isn't set")]
    [InlineData("TwoTower__Embedder__PollInterval", "soon", "TwoTower:Embedder:PollInterval is 'soon', which isn't a time")]
    public async Task Bad_settings_end_the_process_with_2_and_their_name(string name, string value, string message)
    {
        using var process = Start(
            (name.StartsWith("TwoTower", StringComparison.Ordinal) ? "ConnectionStrings__twotower" : "Unrelated", "Host=127.0.0.1;Port=1;Database=x"),
            ("TwoTower__Embedder__Upkeep", "true"), (name, value));
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
        Assert.Equal(2, process.ExitCode);
    }

    internal static Process Start(params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TwoTower.Embedder.dll")]) { RedirectStandardError = true };
        start.Environment.Remove("SUPABASE_URL");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
