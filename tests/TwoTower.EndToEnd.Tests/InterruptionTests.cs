using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Ctrl-C in each stage: exit code 130, one line that says what is kept, nothing half, and the same command goes on.</summary>
public sealed class InterruptionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        _workplace = await Workplace.CreateAsync(postgres);
    }

    public async ValueTask DisposeAsync() => await (_workplace?.DisposeAsync() ?? ValueTask.CompletedTask);

    [Fact]
    public async Task A_load_leaves_nothing_of_itself()
    {
        // Someone else holds the tables: the load is sure to be under way when Ctrl-C comes.
        await using var blocker = await _workplace.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("lock table profiles, videos, user_video_decisions in access exclusive mode", blocker)) await hold.ExecuteNonQueryAsync();
        await using var import = _workplace.Start("import", "csv", Golden.Folder);
        await WaitingAsync();

        await StoppedAsync(import);

        await transaction.RollbackAsync();
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from videos)"));
        await _workplace.ImportGoldenAsync();
    }

    [Fact]
    public async Task A_training_keeps_its_epochs_and_ends_like_one_that_was_never_stopped()
    {
        await _workplace.GenerateAsync();
        string[] train = ["train", "--recipe", "v2", "--epochs", "12", "--threads", "1", "--set", "training.early_stopping_patience=50"];
        await using (var training = _workplace.Start(train))
        {
            await training.LineAsync(line => line.Contains("epoch 2", StringComparison.Ordinal));
            var stopped = await StoppedAsync(training);
            Assert.Contains("twotower train", stopped.ErrorLines[^1]);
        }

        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.releases"));

        var resumed = await _workplace.RunAsync(train);
        Assert.Contains("resuming after epoch", resumed.Out);
        await _workplace.RunAsync([.. train, "--fresh"]);

        var different = await _workplace.Database.ListAsync<string>(
            "select path from two_tower.release_files group by path having count(distinct sha256) > 1");
        Assert.Equal(["model_meta.json"], different);
    }

    [Fact]
    public async Task An_embedding_is_finished_by_the_next_one()
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.JsonAsync("train", "--epochs", "1");
        await using var blocker = await _workplace.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("lock table videos in access exclusive mode", blocker)) await hold.ExecuteNonQueryAsync();
        await using (var embed = _workplace.Start("embed", "--activate"))
        {
            await WaitingAsync();
            await StoppedAsync(embed);
        }

        await transaction.RollbackAsync();
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.active_release where release_id is not null"));
        await _workplace.RunAsync("embed", "--activate");
        Assert.Equal("active", await _workplace.Database.ScalarAsync<string>("select state from two_tower.releases"));
    }

    [Fact]
    public async Task A_server_finishes_and_ends()
    {
        await _workplace.ImportGoldenAsync();
        await using var server = await ServerProcess.StartAsync(_workplace);

        await StoppedAsync(server.Process);
    }

    [Fact]
    public async Task A_migration_is_finished_by_the_next_one()
    {
        await using var empty = await postgres.CreateEmptyDatabaseAsync();
        _workplace.Environment["TWOTOWER_DATABASE"] = empty.ConnectionString;
        await empty.ExecuteAsync("create table videos (id uuid primary key)");
        await using var blocker = await empty.DataSource.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("lock table videos in access exclusive mode", blocker)) await hold.ExecuteNonQueryAsync();
        await using (var migrate = _workplace.Start("db", "migrate"))
        {
            await WaitingAsync(empty);
            await StoppedAsync(migrate);
        }

        await transaction.RollbackAsync();
        await _workplace.RunAsync("db", "migrate");
        Assert.True((await _workplace.JsonAsync("db", "status")).GetProperty("is_current").GetBoolean());
    }

    [Fact]
    public async Task An_export_leaves_the_bundle_that_was_there_and_nothing_beside_it()
    {
        await _workplace.ImportGoldenAsync();
        var version = await _workplace.ReleaseAsync();
        var bundle = _workplace.PathOf("bundles/one");
        await _workplace.RunAsync("export", bundle);
        var before = await File.ReadAllTextAsync(Path.Combine(bundle, "manifest.json"));
        var table = await _workplace.Database.ScalarAsync<string>($"select 'two_tower.video_embeddings_' || release_id from two_tower.releases where model_version = '{version}'");
        await using var blocker = await _workplace.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand($"lock table {table} in access exclusive mode", blocker)) await hold.ExecuteNonQueryAsync();
        await using var export = _workplace.Start("export", bundle);
        await WaitingAsync();

        await StoppedAsync(export);

        Assert.Equal(before, await File.ReadAllTextAsync(Path.Combine(bundle, "manifest.json")));
        Assert.Equal([bundle], Directory.GetFileSystemEntries(_workplace.PathOf("bundles")));
    }

    [Theory]
    [InlineData("select count(*) > 0 from pg_namespace where nspname = 'two_tower'")] // while the scratch database is made
    [InlineData("select count(*) > 0 from two_tower.active_release where release_id is not null")] // while the API is asked
    public async Task An_evaluation_leaves_no_file_and_no_scratch_database(string reached)
    {
        var (report, dump) = (_workplace.PathOf("evaluation.html"), _workplace.PathOf("rankings.csv"));
        await using var evaluation = _workplace.Start(
            "evaluate", "--generate", "--viewers", "1500", "--videos", "300", "--recipe", "v2", "--epochs", "1", "--baseline", "popularity", "--live", "1000",
            "--report", report, "--dump", dump);
        var scratch = $"select datname::text from pg_database where datname like 'twotower\\_evaluate\\_{evaluation.Id}\\_%'";
        await ReachedAsync(scratch, reached);

        var stopped = await StoppedAsync(evaluation);

        Assert.Contains("run the same command", stopped.ErrorLines[^1], StringComparison.Ordinal);
        Assert.Empty(await _workplace.Database.ListAsync<string>(scratch));
        Assert.False(File.Exists(report));
        Assert.False(File.Exists(dump));
        Assert.Empty(Directory.GetFiles(_workplace.Home, "*.tmp"));
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from two_tower.releases)"));
    }

    /// <summary>Waits until the one database that a query names answers another one with true.</summary>
    private async Task ReachedAsync(string database, string reached)
    {
        for (var attempt = 0; attempt < 6000; attempt++, await Task.Delay(20))
        {
            if ((await _workplace.Database.ListAsync<string>(database)).SingleOrDefault() is not { } name) continue;
            var settings =
                new Npgsql.NpgsqlConnectionStringBuilder(_workplace.Database.ConnectionString) { Database = name, Pooling = false };
            try
            {
                await using var connection = new Npgsql.NpgsqlConnection(settings.ConnectionString);
                await connection.OpenAsync();
                await using var command = new Npgsql.NpgsqlCommand(reached, connection);
                if (await command.ExecuteScalarAsync() is true) return;
            }
            catch (Npgsql.PostgresException)
            {
                // It isn't made yet, or not migrated.
            }
        }

        Assert.Fail("the evaluation never came so far");
    }

    [Fact]
    public async Task A_demo_that_was_stopped_while_training_goes_on_where_it_was()
    {
        string[] demo = ["demo", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "6", "--set", "training.batch_size=64", "--exit", "--port", $"{FreePort.Next()}"];
        await using (var first = _workplace.Start(demo))
        {
            await first.LineAsync(line => line.StartsWith("epoch 2/", StringComparison.Ordinal));
            await StoppedAsync(first);
        }

        var second = await _workplace.RunAsync(demo);

        Assert.Contains(", reused", second.Out);
        Assert.Contains("resuming after epoch", second.Out);
    }

    private static async Task<TwotowerResult> StoppedAsync(TwotowerProcess process)
    {
        process.Interrupt();
        var result = await process.ExitAsync();
        Assert.True(result.ExitCode == 130, $"exit code {result.ExitCode}:\n{result.Out}\n{result.Err}");
        Assert.StartsWith("stopped: ", Assert.Single(result.ErrorLines));
        return result;
    }

    /// <summary>Waits until a statement of twotower waits for the lock that the test holds.</summary>
    private async Task WaitingAsync(TestDatabase? database = null)
    {
        const string Waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        for (var attempt = 0; await (database ?? _workplace.Database).ScalarAsync<long>(Waiting) == 0; attempt++)
        {
            Assert.True(attempt < 600, "twotower never came to wait for the lock");
            await Task.Delay(100);
        }
    }
}
