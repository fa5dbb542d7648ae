using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;
using TwoTower.Trainer.Hosting;
using TwoTower.Training;

namespace TwoTower.Trainer.Tests.Hosting;

public sealed class TrainerRoundsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly Recipe Recipe = new()
    {
        Features = new() { MaxTagVocab = 20, MaxActressVocab = 12 },
        Model = new() { HiddenDims = [32, 16], EmbeddingDim = 8 },
        Training = new() { Epochs = 2, BatchSize = 128 },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly LogLines _log = new();
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tables_become_a_registered_release_whose_files_are_the_checkpoints(bool useRpcFeatures)
    {
        await LoadAsync();
        var recipe = Recipe with { Features = Recipe.Features with { UseRpcFeatures = useRpcFeatures } };
        Assert.Equal(ExitCodes.Success, await Rounds().RunAsync(new(recipe), CancellationToken.None));

        var store = new ReleaseStore(_database.DataSource);
        var release = Assert.Single(await store.ListAsync());
        Assert.Equal((ReleaseState.Trained, 8, useRpcFeatures), (release.State, release.EmbeddingDim, release.UseRpcFeatures));
        var checkpoint = CheckpointStore.Read(Path.Combine(_folder.Path, "latest.safetensors"));
        var files = await store.OpenAsync(release.ModelVersion);
        Assert.Equal(OnnxTowerWriter.Write(checkpoint.User, "user_features", "user_embedding"), files[ArtifactNames.UserTower]);
    }

    [Fact]
    public async Task A_time_left_of_days_keeps_its_days()
    {
        await LoadAsync();

        Assert.Equal(ExitCodes.Success, await Rounds(new DayPerLook()).RunAsync(new(Recipe), CancellationToken.None));

        var line = _log.Text.First(line => line.StartsWith("Epoch 1/2, step 1/", StringComparison.Ordinal));
        var hours = int.Parse(Regex.Match(line, @"samples/s, at most ([0-9]+) h [0-9]{2} min left$").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(hours >= 24, line);
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_read_ends_no_round()
    {
        await LoadAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "latest.safetensors"), "not a checkpoint");

        Assert.Equal(ExitCodes.Success, await Rounds().RunAsync(new(Recipe), CancellationToken.None));

        Assert.Single(_log.Text, line => line.Contains("can't be read (truncated: ", StringComparison.Ordinal));
        Assert.Single(await new ReleaseStore(_database.DataSource).ListAsync());
    }

    [Fact]
    public async Task Features_from_SQL_and_from_this_process_train_the_same_model()
    {
        await LoadAsync();
        var results = new List<TrainResult>();
        foreach (var rpc in new[] { true, false })
        {
            results.Add(await TrainJob.RunAsync(
                new TrainOptions
                {
                    Recipe = Recipe with { Features = Recipe.Features with { UseRpcFeatures = rpc } },
                    Database = _database.DataSource,
                    Device = TrainingDevice.Cpu,
                    Threads = 1,
                    Register = false,
                },
                null, CancellationToken.None));
        }

        Assert.Null(results[0].Release);
        Assert.Equal(results[0].Checkpoint.Pipeline.TagTokens, results[1].Checkpoint.Pipeline.TagTokens);
        Close.Equal(
            [.. results[0].Checkpoint.Training.Epochs.Select(e => e.ValidationLoss)],
            [.. results[1].Checkpoint.Training.Epochs.Select(e => e.ValidationLoss)], "validation loss", 1e-4);
    }

    [Fact]
    public async Task An_empty_database_exits_with_3_and_with_0_where_nothing_is_allowed()
    {
        Assert.Equal(ExitCodes.NothingToTrain, await Rounds().RunAsync(new(Recipe), CancellationToken.None));
        Assert.Contains(_log.Text, line => line.Contains("There are no videos"));
        Assert.Equal(ExitCodes.Success, await Rounds().RunAsync(new(Recipe, AllowNothing: true), CancellationToken.None));
        Assert.Empty(await new ReleaseStore(_database.DataSource).ListAsync());
    }

    [Fact]
    public async Task If_needed_trains_once()
    {
        await LoadAsync();
        Assert.Equal(ExitCodes.Success, await Rounds().RunAsync(new(Recipe, OnlyIfNeeded: true), CancellationToken.None));
        Assert.Equal(ExitCodes.Success, await Rounds().RunAsync(new(Recipe, OnlyIfNeeded: true), CancellationToken.None));
        Assert.Single(await new ReleaseStore(_database.DataSource).ListAsync());
        Assert.Contains(_log.Text, line => line.StartsWith("Nothing to do: release", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_exits_with_130_and_registers_nothing()
    {
        await LoadAsync();
        using var stop = new CancellationTokenSource();
        _log.OnLine = line => { if (line.StartsWith("epoch 1/", StringComparison.Ordinal)) stop.Cancel(); };
        Assert.Equal(ExitCodes.Interrupted, await Rounds().RunAsync(new(Recipe), stop.Token));
        Assert.Empty(await new ReleaseStore(_database.DataSource).ListAsync());
        Assert.Equal(1, CheckpointStore.Read(Path.Combine(_folder.Path, "latest.safetensors")).Resume!.Epoch);
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_written_exits_with_2_and_names_it()
    {
        await LoadAsync();
        var file = Path.Combine(_folder.Path, "a-file");
        await File.WriteAllTextAsync(file, "");
        var settings = new TrainerSettings { Device = TrainingDevice.Cpu, Checkpoint = Path.Combine(file, "latest.safetensors") };
        Assert.Equal(
            ExitCodes.BadInput,
            await new TrainerRounds(_database.DataSource, settings, TimeProvider.System, _log).RunAsync(
                new(Recipe), CancellationToken.None));
        Assert.Contains(_log.Text, line => line.Contains("a-file"));
    }

    [Theory]
    [InlineData("--recipe v2 --set training.epochs=many", 2)]
    [InlineData("--recipe no-such-recipe", 2)]
    [InlineData("--every soon", 2)]
    [InlineData("--set training.epochs=1", 3)]
    [InlineData("--allow-nothing", 0)]
    public async Task The_process_says_in_its_exit_code_how_it_went(string arguments, int exitCode)
    {
        using var process = Start(arguments, _database.ConnectionString);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(exitCode == process.ExitCode, $"exit code {process.ExitCode}\n{await output}\n{error}");
    }

    [Fact]
    public async Task A_process_that_starts_before_its_database_trains_when_that_has_come()
    {
        await LoadAsync();
        var database = new NpgsqlConnectionStringBuilder(_database.ConnectionString);
        await using var network = TcpProxy.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", network.Port);
        network.Cut();
        using var process = Start("--recipe v2 --set training.epochs=1", database.ConnectionString);
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await network.RefusedAsync(4);

        network.Restore();

        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == ExitCodes.Success, $"exit code {process.ExitCode}\n{string.Concat(await output)}");
        Assert.Single(await new ReleaseStore(_database.DataSource).ListAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_database_has_a_checkpoint_of_its_own_outside_of_the_working_directory(bool homeIsNamed)
    {
        Assert.SkipWhen(!homeIsNamed && !OperatingSystem.IsLinux(), "the user's data folder is moved by XDG_DATA_HOME");
        await using var other = await postgres.CreateDatabaseAsync();
        foreach (var database in new[] { _database, other, _database })
        {
            if (!await database.ScalarAsync<bool>("select exists (select from videos)")) await LoadAsync(database);
            using var process = Start("--recipe v2 --set training.epochs=1", database.ConnectionString, homeIsNamed ? "" : null);
            var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == ExitCodes.Success, $"exit code {process.ExitCode}\n{string.Concat(await output)}");
        }

        var home = Path.Combine(_folder.Path, homeIsNamed ? "home" : "data/twotower", "checkpoints");
        var folders = Directory.GetDirectories(home);
        Assert.Equal([other.Name, _database.Name], folders.Select(folder => Path.GetFileName(folder)![..^9]).OrderDescending());
        Assert.All(folders, folder => Assert.True(File.Exists(Path.Combine(folder, "latest.safetensors"))));
        Assert.Equal(homeIsNamed ? "home" : "data", Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(_folder.Path))));
    }

    [Fact]
    public async Task A_second_training_with_the_same_checkpoint_is_refused_and_a_killed_one_is_in_nobodys_way()
    {
        await LoadAsync();
        const string Endless = "--recipe v2 --set training.epochs=100000 --set training.early_stopping_patience=100000";
        var checkpoint =
            Path.Combine(await CheckpointFolder.OfAsync(_database.DataSource, CancellationToken.None), CheckpointFolder.FileName);
        checkpoint = Path.Combine(_folder.Path, "home", "checkpoints", Path.GetFileName(Path.GetDirectoryName(checkpoint))!, CheckpointFolder.FileName);
        using var first = Start(Endless, _database.ConnectionString);
        var output = Task.WhenAll(first.StandardOutput.ReadToEndAsync(), first.StandardError.ReadToEndAsync());
        while (!File.Exists(checkpoint))
        {
            Assert.False(first.HasExited, "the first training ended by itself");
            await Task.Delay(50);
        }

        using (var second = Start("--recipe v2 --set training.epochs=1", _database.ConnectionString))
        {
            var said = Task.WhenAll(second.StandardOutput.ReadToEndAsync(), second.StandardError.ReadToEndAsync());
            await second.WaitForExitAsync();
            Assert.Equal(ExitCodes.AlreadyTraining, second.ExitCode);
            Assert.Contains($"another training runs with the checkpoint {checkpoint}", string.Concat(await said), StringComparison.Ordinal);
        }

        Assert.False(first.HasExited);
        first.Kill();
        await first.WaitForExitAsync();
        using var third = Start("--recipe v2 --set training.epochs=1", _database.ConnectionString);
        var last = Task.WhenAll(third.StandardOutput.ReadToEndAsync(), third.StandardError.ReadToEndAsync());
        await third.WaitForExitAsync();
        Assert.True(third.ExitCode == ExitCodes.Success, $"exit code {third.ExitCode}\n{string.Concat(await last)}");
        await output;
    }

    private Process Start(string arguments, string connectionString, string? home = "")
    {
        home = home is "" ? Path.Combine(_folder.Path, "home") : home;
        var start = new ProcessStartInfo("dotnet", $"\"{Path.Combine(AppContext.BaseDirectory, "TwoTower.Trainer.dll")}\" {arguments}")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = _folder.Path,
        };
        start.Environment["ConnectionStrings__twotower"] = connectionString;
        start.Environment["TWOTOWER_HOME"] = home;
        start.Environment["XDG_DATA_HOME"] = Path.Combine(_folder.Path, "data");
        start.Environment["TwoTower__Trainer__Device"] = "cpu";
        return Process.Start(start)!;
    }

    private Task<WriteResult> LoadAsync(TestDatabase? database = null) =>
        new TableWriter((database ?? _database).DataSource).WriteAsync(CsvTableReader.Read(Golden.Folder), null, CancellationToken.None);

    private TrainerRounds Rounds(TimeProvider? time = null) => new(
        _database.DataSource,
        new TrainerSettings { Device = TrainingDevice.Cpu, Threads = 2, Checkpoint = Path.Combine(_folder.Path, "latest.safetensors") },
        time ?? TimeProvider.System, _log);

    // Every look at this clock is a day later.
    private sealed class DayPerLook : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    }
}
