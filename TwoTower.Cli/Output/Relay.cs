namespace TwoTower.Cli.Output;

/// <summary>A job's own progress as a stage's: reported at once and in order, unlike <see cref="Progress{T}"/>.</summary>
internal sealed class Relay<T>(IProgress<StageProgress> stage, Func<T, StageProgress> convert) : IProgress<T>
{
    public void Report(T value) => stage.Report(convert(value));
}
