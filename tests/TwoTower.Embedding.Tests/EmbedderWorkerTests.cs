using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TwoTower.Core.Artifacts;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

[Collection(nameof(Alone))]
public sealed class EmbedderWorkerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TestVideos.InsertAsync(_db, 1, 60);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private EmbedderWorker Worker(EmbedderOptions? options = null) =>
        new(_db.DataSource, Options.Create(options ?? new()), TimeProvider.System, NullLogger<EmbedderWorker>.Instance);

    private Task<Release> RegisterAsync(int seed, Checkpoint? checkpoint = null) =>
        _store.RegisterAsync(ReleaseFiles.Build(checkpoint ?? TestCheckpoints.Random(seed: seed), Golden.AsOf.AddMinutes(seed)), new());

    [Fact]
    public async Task New_releases_are_embedded_and_only_the_first_activates_itself_when_asked_to()
    {
        using var worker = Worker(new() { ActivateFirst = true });
        Assert.Equal(0, await worker.TurnAsync(default));
        var one = await RegisterAsync(1);
        Assert.Equal(60, await worker.TurnAsync(default));
        Assert.Equal(one.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
        var two = await RegisterAsync(2);
        await worker.TurnAsync(default);
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(two.ModelVersion)).State);
        Assert.Equal(one.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
    }

    [Fact]
    public async Task By_default_nothing_is_activated()
    {
        await RegisterAsync(1);
        using var worker = Worker();
        await worker.TurnAsync(default);
        Assert.Null(await _store.GetActiveAsync());
    }

    [Fact]
    public async Task Old_releases_are_retired_by_itself_when_asked_to_and_never_otherwise()
    {
        using var worker = Worker(new() { Activate = true, KeepReleases = 1 });
        List<Release> releases = [];
        for (var seed = 1; seed <= 4; seed++)
        {
            releases.Add(await RegisterAsync(seed));
            await worker.TurnAsync(default);
        }

        using (var byHand = Worker()) Assert.Equal(0, await byHand.PruneAsync(default));
        Assert.Equal(2, await worker.PruneAsync(default));
        ReleaseState[] states =
            [.. (await Task.WhenAll(releases.Select(release => _store.GetAsync(release.ModelVersion)))).Select(release => release.State)];
        // the third is the way back
        Assert.Equal([ReleaseState.Retired, ReleaseState.Retired, ReleaseState.Ready, ReleaseState.Active], states);
    }

    [Fact]
    public async Task A_new_video_gets_a_vector_in_the_active_release()
    {
        var release = await RegisterAsync(1);
        using var worker = Worker(new() { Activate = true });
        await worker.TurnAsync(default);
        await TestVideos.InsertAsync(_db, 61, 65);
        Assert.Equal(5, await worker.TurnAsync(default));
        Assert.Equal(0, await worker.TurnAsync(default));
        Assert.Equal(65L, await _db.ScalarAsync<long>($"select count(*) from {release.Table}"));
    }

    [Fact]
    public async Task The_public_table_follows_an_activation_by_somebody_else_and_new_videos()
    {
        await _db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(16)");
        var (one, two) = (await RegisterAsync(1), await RegisterAsync(2));
        using var worker = Worker(new() { ActivateFirst = true });
        await worker.TurnAsync(default);
        await AssertPublicAsync(one, 60);
        await _store.ActivateAsync(two.ModelVersion, "operator", null);
        await TestVideos.InsertAsync(_db, 61, 62);
        await worker.TurnAsync(default);
        await AssertPublicAsync(two, 62);
    }

    [Fact]
    public async Task A_release_that_fails_does_not_keep_the_next_one_waiting()
    {
        var checkpoint = TestCheckpoints.Random();
        var last = checkpoint.Item.Layers[^1];
        var broken = await RegisterAsync(1, checkpoint with
        {
            Item = new([.. checkpoint.Item.Layers.SkipLast(1), last with { Bias = [float.PositiveInfinity, .. last.Bias[1..]] }]),
        });
        var sound = await RegisterAsync(2);
        using var worker = Worker();
        await worker.TurnAsync(default);
        Assert.Equal(ReleaseState.Failed, (await _store.GetAsync(broken.ModelVersion)).State);
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(sound.ModelVersion)).State);
    }

    [Fact]
    public async Task A_release_that_another_replica_holds_is_left_to_it()
    {
        var release = await RegisterAsync(1);
        await _db.ExecuteAsync(
            $"insert into two_tower.release_embeddings (release_id, lease_owner, lease_until) values ({release.Id}, 'another', clock_timestamp() + interval '1 hour')");
        using var worker = Worker();
        Assert.Equal(0, await worker.TurnAsync(default));
        Assert.Equal(ReleaseState.Trained, (await _store.GetAsync(release.ModelVersion)).State);
    }

    [Fact]
    public async Task The_worker_goes_on_after_the_database_was_away_and_stops_when_told()
    {
        await using var db = TwoTower.Postgres.Connections.DataSources.Create(_db.ConnectionString);
        await using var server = TwoTower.Postgres.Connections.DataSources.Create(postgres.ServerConnectionString);
        var log = new ErrorLog();
        using var worker = new EmbedderWorker(
            db, Options.Create(new EmbedderOptions { PollInterval = TimeSpan.FromMilliseconds(100), ActivateFirst = true }),
            TimeProvider.System, log);
        await worker.StartAsync(default);
        await ExecuteAsync(
            $"alter database {_db.Name} allow_connections false",
            $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_db.Name}'");
        await log.FirstError.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await ExecuteAsync($"alter database {_db.Name} allow_connections true");

        _db.DataSource.Clear(); // the test's own connections were cut as well
        await RegisterAsync(1);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _store.GetActiveAsync(patience.Token) is null) await Task.Delay(50, patience.Token);
        await worker.StopAsync(default);
        Assert.True(worker.ExecuteTask!.IsCompletedSuccessfully);

        async Task ExecuteAsync(params string[] statements)
        {
            foreach (var sql in statements)
            {
                await using var command = server.CreateCommand(sql);
                await command.ExecuteNonQueryAsync();
            }
        }
    }

    [Fact]
    public void An_option_out_of_range_is_refused_by_name()
    {
        var result =
            new EmbedderOptionsValidator().Validate(
                null, new() { FollowRows = 0, Embedding = new() { Workers = 0, Index = new() { MaintenanceMemoryMb = 1 } } });
        Assert.Contains(result.Failures!, failure => failure.Contains("FollowRows", StringComparison.Ordinal));
        Assert.Contains(result.Failures!, failure => failure.Contains("Workers", StringComparison.Ordinal));
        Assert.Contains(result.Failures!, failure => failure.Contains("MaintenanceMemoryMb", StringComparison.Ordinal));
        Assert.True(new EmbedderOptionsValidator().Validate(null, new()).Succeeded);
    }

    private async Task AssertPublicAsync(Release release, long videos)
    {
        Assert.Equal(videos, await _db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
        Assert.Equal(videos, await _db.ScalarAsync<long>(
            $"select count(*) from public.video_embeddings p join {release.Table} e using (video_id) where p.embedding = e.embedding"));
    }

    private sealed class ErrorLog : ILogger<EmbedderWorker>
    {
        public TaskCompletionSource FirstError { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error) FirstError.TrySetResult();
        }
    }
}
