using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Evaluation;
using TwoTower.Evaluation.Evaluators;

namespace TwoTower.Cli.Evaluation;

/// <summary>An evaluation's or a search's run on the command line.</summary>
internal sealed class EvaluationSession(Session session) : IRun
{
    public TimeProvider Time => session.Time;

    public CancellationToken Stop => session.Stop;

    public string? Kept
    {
        set => session.Kept = value;
    }

    public void Say(string message) => session.Terminal.Say(message);

    public void Detail(string message) => session.Terminal.Detail(message);

    public void Warn(string message) => session.Terminal.Warn(message);

    public Task<T> StageAsync<T>(string title, Func<IProgress<EvaluationProgress>, Task<T>> work) =>
        session.Terminal.StageAsync(title, "steps", progress => work(new Relay<EvaluationProgress>(progress, Step)));

    private static StageProgress Step(EvaluationProgress step) => new(step.Done, step.Total, step.Note is { } note ? $"{step.Split}, {note}" : $"{step.Split}, {step.Unit}");
}
