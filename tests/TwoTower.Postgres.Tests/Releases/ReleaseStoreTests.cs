using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Releases;

[Collection(nameof(Alone))]
public sealed class ReleaseStoreTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private static IReadOnlyList<ReleaseFile> Files(int seed = 1) =>
        ReleaseFiles.Build(TestCheckpoints.Random(seed: seed), Golden.AsOf.AddMinutes(seed));

    private Task<Release> RegisterAsync(int seed = 1) => _store.RegisterAsync(Files(seed), new Recipe());

    /// <summary>A release that could be activated: the states are walked, the table is there.</summary>
    private async Task<Release> ReadyAsync(int seed)
    {
        var release = await RegisterAsync(seed);
        await _store.TransitionAsync(release.ModelVersion, ReleaseState.Embedding, "test", null);
        await _db.ExecuteAsync($"create table {release.Table} (video_id uuid primary key)");
        await TestReleases.PassGateAsync(_db, release.ModelVersion);
        return await _store.TransitionAsync(release.ModelVersion, ReleaseState.Ready, "test", "embedded");
    }

    [Fact]
    public async Task A_registered_release_is_trained_and_opens_with_the_same_files()
    {
        var files = Files();
        var release = await _store.RegisterAsync(files, new Recipe());
        Assert.Equal(ModelVersion.Of("v2", Golden.AsOf.AddMinutes(1), files), release.ModelVersion);
        Assert.Equal((ReleaseState.Trained, 16, "v2", false, true),
            (release.State, release.EmbeddingDim, release.Recipe, release.Imported, release.UseRpcFeatures));
        Assert.Equal(2, release.Metrics.GetProperty("best_epoch").GetInt32());
        Assert.Equal(16, release.Config.GetProperty("model").GetProperty("embedding_dim").GetInt32());

        var opened = await _store.OpenAsync(release.ModelVersion);
        Assert.Equal(files.Select(file => (file.Path, file.Sha256)), opened.Files.Select(file => (file.Path, file.Sha256)));
        Assert.Null(await _store.GetActiveAsync());
        var registered = Assert.Single(await _store.HistoryAsync(release.ModelVersion));
        Assert.Equal(((ReleaseState?)null, ReleaseState.Trained, "trainer", "trained by recipe v2"), (registered.From, registered.To, registered.Actor, registered.Reason));
    }

    [Fact]
    public async Task Registering_the_same_files_again_is_the_same_release()
    {
        var first = await RegisterAsync();
        var second = await RegisterAsync();
        Assert.Equal(first.Id, second.Id);
        Assert.Single(await _store.ListAsync());
        await RegisterAsync(2);
        Assert.Equal(2, (await _store.ListAsync()).Count);
    }

    [Fact]
    public async Task Processes_that_register_the_same_files_at_once_get_the_same_release()
    {
        var files = Files();
        var releases =
            await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => new ReleaseStore(_db.DataSource).RegisterAsync(files, new Recipe())));
        Assert.Single(releases.Select(release => release.Id).Distinct());
        Assert.Single(await _store.HistoryAsync(releases[0].ModelVersion));
        Assert.Equal(files.Count, (await _store.FilesAsync(releases[0].ModelVersion)).Count);
    }

    [Fact]
    public async Task Another_model_under_a_version_that_is_taken_is_refused()
    {
        var set = new ReleaseFileSet("bundle", Files(1));
        await _store.RegisterAsync("1.0", set, null, null, imported: true, VectorType.Vector, "test");
        var error = await Assert.ThrowsAsync<InputException>(() =>
            _store.RegisterAsync("1.0", new ReleaseFileSet("bundle", Files(2)), null, null, imported: true, VectorType.Vector, "test"));
        Assert.Contains("There is a release 1.0 with other files", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ArtifactNames.ModelMeta, "{\"embedding_dim\": 2001}", "model_meta.json of bundle has embedding_dim 2001: a vector under an index has 1 to 2000 numbers.")]
    [InlineData(ArtifactNames.Metrics, "not JSON", "metrics.json of bundle can't be read: ")]
    public async Task What_the_registry_cannot_take_is_refused_by_name(string file, string content, string expected)
    {
        var files = Files().Where(one => one.Path != file).Append(new(file, System.Text.Encoding.UTF8.GetBytes(content)));
        var error = await Assert.ThrowsAsync<InputException>(() =>
            _store.RegisterAsync("1.0", new ReleaseFileSet("bundle", [.. files]), null, null, imported: true, VectorType.Vector, "test"));
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
        Assert.Empty(await _store.ListAsync());
    }

    [Fact]
    public async Task A_registration_that_is_cut_off_leaves_nothing_and_the_active_release_stays()
    {
        var live = await ReadyAsync(1);
        await _store.ActivateAsync(live.ModelVersion, "test", null);

        // The third file stops the server's side of the registration until the connection is gone, as a kill would.
        await _db.ExecuteAsync(
            """
            create function cut() returns trigger language plpgsql as $$
            begin
                if new.path = 'item_tower.onnx' then perform pg_terminate_backend(pg_backend_pid()); end if;
                return new;
            end $$;
            create trigger cut before insert on two_tower.release_files for each row execute function cut();
            """);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RegisterAsync(2));
        await _db.ExecuteAsync("drop trigger cut on two_tower.release_files");

        Assert.Equal([live.ModelVersion], (await _store.ListAsync()).Select(release => release.ModelVersion));
        Assert.Equal(10L, await _db.ScalarAsync<long>("select count(*) from two_tower.release_files"));
        Assert.Equal(live.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
        Assert.Equal(10, (await _store.OpenAsync(live.ModelVersion)).Files.Count);
        Assert.Equal(ReleaseState.Trained, (await RegisterAsync(2)).State);
    }

    [Fact]
    public async Task A_cancelled_registration_leaves_nothing()
    {
        await _db.ExecuteAsync(
            """
            create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return new; end $$;
            create trigger wait before insert on two_tower.release_files for each row when (new.path = 'normalizer.json') execute function wait();
            """);
        using var cancel = new CancellationTokenSource();
        var registering = _store.RegisterAsync(Files(), new Recipe(), ct: cancel.Token);
        await PollAsync("select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()", 1L);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => registering);
        Assert.Empty(await _store.ListAsync());
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from two_tower.release_files"));
    }

    [Fact]
    public async Task A_full_disk_is_told_as_such_and_nothing_is_registered()
    {
        await _db.ExecuteAsync(
            """
            create function full_disk() returns trigger language plpgsql as $$
            begin raise exception 'could not extend file "base/5/16384": No space left on device' using errcode = 'disk_full'; end $$;
            create trigger full_disk before insert on two_tower.release_files for each row when (new.path = 'user_tower.onnx') execute function full_disk();
            """);
        var error = await Assert.ThrowsAsync<InputException>(() => RegisterAsync());
        Assert.Contains("disk is full", error.Message, StringComparison.Ordinal);
        Assert.Contains("the releases that are there stay", error.Message, StringComparison.Ordinal);
        Assert.Empty(await _store.ListAsync());
    }

    [Fact]
    public async Task A_file_that_was_damaged_in_the_store_is_refused_by_name()
    {
        var release = await RegisterAsync();
        await _db.ExecuteAsync(
            """
            alter table two_tower.release_files disable trigger guard_release_file;
            alter table two_tower.release_files drop constraint release_files_check1;
            update two_tower.release_files set content = set_byte(content, 100, get_byte(content, 100) # 1) where path = 'user_tower.onnx';
            """);
        var error = await Assert.ThrowsAsync<InputException>(() => _store.OpenAsync(release.ModelVersion));
        Assert.Contains($"user_tower.onnx of release {release.ModelVersion} is damaged", error.Message, StringComparison.Ordinal);

        // One file is read alone.
        error = await Assert.ThrowsAsync<InputException>(() => _store.ReadAsync(release.ModelVersion, "user_tower.onnx"));
        Assert.Contains($"user_tower.onnx of release {release.ModelVersion} is damaged", error.Message, StringComparison.Ordinal);
        Assert.Equal((byte)'{', (await _store.ReadAsync(release.ModelVersion, "feature_schema.json"))[0]);
        error = await Assert.ThrowsAsync<InputException>(() => _store.ReadAsync(release.ModelVersion, "none.json"));
        Assert.Contains($"Release {release.ModelVersion} has no file none.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Activation_moves_the_pointer_and_the_one_before_goes_back_to_ready()
    {
        var (one, two) = (await ReadyAsync(1), await ReadyAsync(2));
        Assert.Equal(new Activation(true, null), await _store.ActivateAsync(one.ModelVersion, "alice", "first"));
        Assert.Equal(new Activation(true, one.ModelVersion), await _store.ActivateAsync(two.ModelVersion, "bob", "better"));
        Assert.Equal(new Activation(false, two.ModelVersion), await _store.ActivateAsync(two.ModelVersion, "bob", "again"));
        Assert.Equal(two.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(one.ModelVersion)).State);

        // Rolling back is the same call.
        await _store.ActivateAsync(one.ModelVersion, "alice", "two is worse");
        Assert.Equal(one.ModelVersion, (await _store.GetActiveAsync())?.ModelVersion);
        Assert.Equal(3L, await _db.ScalarAsync<long>("select count(*) from two_tower.activations"));

        var history = await _store.HistoryAsync(two.ModelVersion);
        Assert.Equal(
            [(null, ReleaseState.Trained), (ReleaseState.Trained, ReleaseState.Embedding), (ReleaseState.Embedding, ReleaseState.Ready),
                (ReleaseState.Ready, ReleaseState.Active), (ReleaseState.Active, ReleaseState.Ready)],
            history.Select(step => (step.From, step.To)));
        Assert.Equal(("bob", "better"), (history[3].Actor, history[3].Reason));
        Assert.Equal(("alice", $"superseded by {one.ModelVersion}"), (history[4].Actor, history[4].Reason));
        Assert.Equal(history.Select(step => step.At).Order(), history.Select(step => step.At));
    }

    [Fact]
    public async Task An_activation_tells_those_who_listen()
    {
        var release = await ReadyAsync(1);
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        string? heard = null;
        connection.Notification += (_, notification) => heard = notification.Payload;
        await using (var listen = new NpgsqlCommand("listen two_tower_release", connection)) await listen.ExecuteNonQueryAsync();
        await _store.ActivateAsync(release.ModelVersion, "test", null);
        Assert.True(await connection.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(release.ModelVersion, heard);
    }

    [Fact]
    public async Task Many_activations_at_once_come_out_one_after_the_other()
    {
        Release[] releases = [await ReadyAsync(1), await ReadyAsync(2), await ReadyAsync(3)];
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => _store.ActivateAsync(releases[i % 3].ModelVersion, $"operator {i}", null)));

        var active = await _store.GetActiveAsync();
        Assert.Equal(active!.ModelVersion, await _db.ScalarAsync<string>("select model_version from two_tower.activations order by activation_id desc limit 1"));
        Assert.Single(await _store.ListAsync(), release => release.State == ReleaseState.Active);
        // Each activation names the one before it, in the order of their times.
        Assert.Equal(0L, await _db.ScalarAsync<long>(
            """
            select count(*) from (
                select previous_release_id, lag(release_id) over w as before, at, lag(at) over w as earlier
                from two_tower.activations window w as (order by activation_id)) a
            where a.before is distinct from a.previous_release_id or a.at < a.earlier
            """));
    }

    [Fact]
    public async Task Two_registrations_of_the_same_files_at_once_are_one_release()
    {
        var releases = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RegisterAsync()));
        Assert.Single(releases.Select(release => release.Id).Distinct());
        Assert.Equal(10L, await _db.ScalarAsync<long>("select count(*) from two_tower.release_files"));
    }

    [Fact]
    public async Task Unknown_versions_are_refused_by_name()
    {
        foreach (var refused in new Func<Task>[]
        {
            () => _store.ActivateAsync("nope", "test", null), () => _store.OpenAsync("nope"), () => _store.GetAsync("nope"),
            () => _store.ReadAsync("nope", "manifest.json"), () => _store.FailAsync("nope", "test", "reason"),
        })
        {
            var error = await Assert.ThrowsAsync<InputException>(refused);
            Assert.Contains("here is no release nope", error.Message, StringComparison.Ordinal);
        }

        Assert.Null(await _store.FindAsync("nope"));
    }

    [Fact]
    public async Task A_database_that_was_not_migrated_says_so()
    {
        await using var empty = await postgres.CreateEmptyDatabaseAsync();
        var error = await Assert.ThrowsAsync<InputException>(() => new ReleaseStore(empty.DataSource).ListAsync());
        Assert.Contains("run 'twotower db migrate'", error.Message, StringComparison.Ordinal);
    }

    private async Task PollAsync(string sql, long expected)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await _db.ScalarAsync<long>(sql) != expected) await Task.Delay(20, patience.Token);
    }
}
