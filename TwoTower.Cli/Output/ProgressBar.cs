using Spectre.Console;
using Spectre.Console.Rendering;
using TwoTower.Core.Formats;

namespace TwoTower.Cli.Output;

/// <summary>Progress as a bar with rate and time left, for a person at a terminal.</summary>
internal static class ProgressBar
{
    public static Task<T> RunAsync<T>(
        IAnsiConsole console, string title, string unit, TimeProvider time, Func<IProgress<StageProgress>, Task<T>> work)
    {
        var rate = new RateColumn(unit);
        var progress = console.Progress().AutoClear(true).HideCompleted(false).Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn { Width = 30 },
            new PercentageColumn(),
            rate);
        return progress.StartAsync(async context =>
        {
            var task = context.AddTask(Markup.Escape(title), autoStart: true, maxValue: 1);
            task.IsIndeterminate = true;
            return await work(new Bar(task, title, rate, new RateEstimate(time)));
        });
    }

    private sealed class Bar(ProgressTask task, string title, RateColumn column, RateEstimate rate) : IProgress<StageProgress>
    {
        private readonly Lock _gate = new();

        public void Report(StageProgress value)
        {
            lock (_gate)
            {
                rate.Add(value.Done);
                task.IsIndeterminate = value.Total is null;
                task.MaxValue = Math.Max(1, value.Total ?? 1);
                task.Value = value.Total is null ? 0 : value.Done;
                task.Description = Markup.Escape(value.Note is { } note ? $"{title} ({note})" : title);
                column.Rate = Text(value);
            }
        }

        private string Text(StageProgress value)
        {
            var text = rate.PerSecond is { } perSecond ? Amounts.Rate(perSecond) : "";
            return rate.Left(value.Total) is { } left ? $"{text}, {Amounts.Time(left)} left" : text;
        }
    }

    private sealed class RateColumn(string unit) : ProgressColumn
    {
        /// <summary>What to show; a stage has one bar, so the column has one text.</summary>
        public string Rate { get; set; } = "";

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(Rate.Length == 0 ? "" : $"{unit} {Rate}", new Style(Color.Grey));
    }
}
