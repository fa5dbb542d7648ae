using System.Diagnostics;
using TwoTower.Core.Configuration;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;
using TwoTower.Training.Tests.Loop;

namespace TwoTower.Training.Tests;

[Collection(nameof(Torch))]
public sealed class RegistrationTests(PostgresFixture postgres)
{
    private static readonly Recipe Recipe = new()
    {
        Features = new() { MaxTagVocab = 20, MaxActressVocab = 12 },
        Samples = new() { HeldOutUsers = 0 },
        Model = new() { HiddenDims = [16], Dropout = [0.1], EmbeddingDim = 8 },
        Training = new() { Epochs = 2, BatchSize = 256 },
    };

    [Theory]
    [InlineData(true)] // after the release was registered, before the checkpoint says so
    [InlineData(false)] // before that
    public async Task A_training_that_is_killed_while_it_registers_has_one_release_in_the_end(bool registered)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "latest.safetensors");
        await using var db = await postgres.CreateDatabaseAsync();
        var said = new List<string>();
        var options = new TrainOptions
        {
            Recipe = Recipe,
            Tables = CsvTableReader.Read(Golden.Folder),
            Database = db.DataSource,
            CheckpointPath = path,
            Device = TrainingDevice.Cpu,
            Threads = 1,
            Resume = Resumption.IfInterrupted,
            Say = said.Add,
        };

        // What a kill leaves: the file as it is when the registration ends, or begins.
        byte[] left = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ReleaseTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => { if (span.OperationName == "register release" && left.Length == 0) left = File.ReadAllBytes(path); },
        };
        ActivitySource.AddActivityListener(listener);
        var first = await TrainJob.RunAsync(options, null, CancellationToken.None);
        Assert.NotEmpty(left);
        var finished = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, left);
        if (!registered) await db.ExecuteAsync("truncate two_tower.releases cascade");

        // The clock shows seconds in a version: a second release would have another one.
        var again = await TrainJob.RunAsync(options with { Time = new LaterTime() }, null, CancellationToken.None);

        Assert.Equal(first.Release!.ModelVersion, again.Release!.ModelVersion);
        Assert.Equal(first.Release.ModelVersion, Assert.Single(await new ReleaseStore(db.DataSource).ListAsync()).ModelVersion);
        Assert.Equal((2, (double?)null), (again.ResumedAfterEpoch, again.SamplesPerSecond));
        Assert.Contains(said, line => line.StartsWith("resuming after epoch 2 (the last; its release is registered where it isn't yet)", StringComparison.Ordinal));
        Assert.Equal(finished, await File.ReadAllBytesAsync(path));

        // Another training of the same rows is another release, of another date.
        await TrainJob.RunAsync(options with { Time = new LaterTime() }, null, CancellationToken.None);
        Assert.Equal(2, (await new ReleaseStore(db.DataSource).ListAsync()).Count);
    }

    private sealed class LaterTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddHours(1);
    }
}
