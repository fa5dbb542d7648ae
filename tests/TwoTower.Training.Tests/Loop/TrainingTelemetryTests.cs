using System.Diagnostics;
using System.Diagnostics.Metrics;
using TwoTower.Datasets.Import;
using TwoTower.Testing;

namespace TwoTower.Training.Tests.Loop;

[Collection(nameof(Torch))]
public class TrainingTelemetryTests
{
    [Fact]
    public async Task A_training_leaves_a_span_for_each_stage_and_its_loss_rate_and_gradient_as_metrics()
    {
        var spans = new List<string>();
        using var spanListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "TwoTower.Training",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => spans.Add(activity.OperationName),
        };
        ActivitySource.AddActivityListener(spanListener);
        var metrics = new Dictionary<string, int>();
        using var meterListener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == "TwoTower.Training") listener.EnableMeasurementEvents(instrument); },
        };
        meterListener.SetMeasurementEventCallback<double>(
            (instrument, _, _, _) => metrics[instrument.Name] = metrics.GetValueOrDefault(instrument.Name) + 1);
        meterListener.Start();

        var recipe = GoldenTraining.Recipe with { Training = new() { Epochs = 2, BatchSize = 1024 } };
        await TrainJob.RunAsync(
            new TrainOptions { Recipe = recipe, Tables = CsvTableReader.Read(Golden.Folder), Device = TrainingDevice.Cpu, Threads = 1 },
            null, default);

        Assert.Equal(["samples", "features", "epoch", "epoch", "train"], spans);
        Assert.Equal(4, metrics["twotower.training.loss"]); // training and validation, twice
        Assert.Equal(2, metrics["twotower.training.rate"]);
        Assert.True(metrics["twotower.training.gradient_norm"] >= 4);
    }
}
