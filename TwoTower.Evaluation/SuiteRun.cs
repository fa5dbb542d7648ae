using TwoTower.Core;
using TwoTower.Evaluation.Report;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Evaluation;

/// <summary>One <c>twotower evaluate --suite</c>: the same models on several sets, one after the other, each set's against its best
/// baseline.</summary>
/// <param name="run">Where it runs.</param>
/// <param name="options">What is evaluated; the data is each set's.</param>
/// <param name="sets">Names and rows.</param>
internal sealed class SuiteRun(IRun run, EvaluateOptions options, IReadOnlyList<(string Name, TableSource Data)> sets)
{
    /// <exception cref="Exception">No set could be evaluated: what the last one came to.</exception>
    public async Task<EvaluatedSuite> RunAsync()
    {
        if (Directory.Exists(options.Report)) throw new InputException($"--report {options.Report} is a folder: name a file in it");
        var each = options with { Reference = options.Reference ?? EvaluateRun.BestBaseline, Report = null };
        List<Evaluated> done = [];
        Exception? last = null;
        foreach (var (place, (name, data)) in sets.Index())
        {
            run.Say($"{name}, {place + 1} of {sets.Count}");
            try
            {
                done.Add(await new EvaluateRun(run, each with { Data = data }).RunAsync());
            }
            catch (Exception error) when (error is InputException or NothingToTrainException or TrainingDivergedException
                && (place + 1 < sets.Count || done.Count > 0))
            {
                // Of one set: the hours of the others aren't lost.
                run.Warn($"{name} is left out: {error.Message}");
                last = error;
                continue;
            }

            // After each: an interrupted run leaves what it has.
            if (options.Report is not { } report) continue;
            SuitePage.Write(report, new(done));
            run.Say($"report of {done.Count} of {sets.Count} sets: {report}");
        }

        return done.Count > 0 ? new(done) : throw last!;
    }
}
