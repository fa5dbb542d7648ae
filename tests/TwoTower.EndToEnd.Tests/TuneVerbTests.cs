using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class TuneVerbTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    private string Study => _workplace.PathOf("study");

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task A_search_that_was_stopped_goes_on_and_ends_like_one_that_never_was()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        await _workplace.GenerateAsync();
        string[] tune = ["tune", "--recipe", "v3", "--set", "history.factors=8", "--set", "history.sweeps=2", "--set", "training.epochs=2", "--threads", "1", "--trials", "3"];
        await using (var first = _workplace.Start([.. tune, "--study", Study]))
        {
            await first.LineAsync(line => line.StartsWith("trial 0: recall@20", StringComparison.Ordinal));
            first.Interrupt();
            var stopped = await first.ExitAsync();
            Assert.True(stopped.ExitCode == 130, $"exit code {stopped.ExitCode}:\n{stopped.Out}\n{stopped.Err}");
            Assert.Matches($@"^stopped: (1 trial is|2 trials are) kept in {Study}; run the same command to go on$", Assert.Single(stopped.ErrorLines));
        }

        var kept = await File.ReadAllTextAsync(Path.Combine(Study, "trials.jsonl"));
        var second = await _workplace.RunAsync([.. tune, "--study", Study]);
        await _workplace.RunAsync([.. tune, "--study", _workplace.PathOf("never-stopped")]);

        Assert.Contains("continuing: ", second.Out, StringComparison.Ordinal);
        Assert.StartsWith(kept, await File.ReadAllTextAsync(Path.Combine(Study, "trials.jsonl")), StringComparison.Ordinal);
        Assert.Equal(Results(_workplace.PathOf("never-stopped")), Results(Study));
        Assert.Equal(3, Results(Study).Count);
        Assert.Equal("v3-tuned", JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Study, "best.json")))!["name"]!.GetValue<string>());

        await _workplace.RunAsync("train", "--recipe", Path.Combine(Study, "best.json"));
        Assert.StartsWith("v3-tuned-", await _workplace.Database.ScalarAsync<string>("select model_version from two_tower.releases"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_best_recipe_fulfils_the_requirements_and_a_goal_may_change_later()
    {
        string[] tune = ["tune", "--generate", "--viewers", "150", "--videos", "250", "--recipe", "v2", "--epochs", "1", "--space", await SpaceAsync(), "--study", Study];
        var free = await _workplace.JsonAsync([.. tune, "--trials", "4"]);
        var recalls = free.GetProperty("trials").EnumerateArray().Select(Recall).ToList();

        // Whatever came out: a bound right below the best leaves it out.
        var bound = await _workplace.JsonAsync([.. tune, "--trials", "4", "--require", $"recall@20<={recalls[0] - 1e-9:R}"]);

        Assert.Equal(recalls[0], Recall(free.GetProperty("best")));
        Assert.Equal(recalls.OrderDescending(), recalls);
        Assert.Equal(recalls.First(recall => recall < recalls[0]), Recall(bound.GetProperty("best")));
        Assert.Equal("trials", bound.GetProperty("ended_by").GetString());
        Assert.Equal(free.GetProperty("seconds").GetDouble(), bound.GetProperty("seconds").GetDouble()); // nothing was trained again
    }

    [Fact]
    public async Task Requirements_that_no_trial_fulfils_leave_no_best_recipe_and_say_what_came_nearest()
    {
        var result = await _workplace.TryAsync(
            "tune", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--space", await SpaceAsync(), "--study", Study, "--trials", "2", "--require", "recall@20>=1.1");

        Assert.Equal(2, result.ExitCode);
        Assert.Matches(@"none of 2 trials fulfils --require recall@20>=1.1; trial \d comes nearest \(recall@20 0", Assert.Single(result.ErrorLines));
        Assert.False(File.Exists(Path.Combine(Study, "best.json")));
    }

    [Fact]
    public async Task A_small_space_is_tried_to_its_end_and_a_budget_ends_a_search_before_its_trials()
    {
        string[] tune = ["tune", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--space", await SpaceAsync("""{"training.batch_size": {"values": [256, 512]}}""")];

        var all = await _workplace.JsonAsync([.. tune, "--study", Study]);
        var budgeted = await _workplace.JsonAsync([.. tune, "--study", _workplace.PathOf("budgeted"), "--budget", "0.01s"]);

        Assert.Equal(("space", 2), (all.GetProperty("ended_by").GetString(), all.GetProperty("trials_done").GetInt32()));
        Assert.Equal(("budget", 1), (budgeted.GetProperty("ended_by").GetString(), budgeted.GetProperty("trials_done").GetInt32()));
    }

    [Fact]
    public async Task The_time_of_a_trial_that_was_killed_counts_for_the_budget()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        string[] tune =
        [
            "tune", "--data", Golden.Folder, "--recipe", "v2", "--epochs", "1", "--set", "training.early_stopping_patience=100000",
            "--space", await SpaceAsync("""{"training.epochs": {"values": [1, 100000]}}"""), "--study", Study,
        ];
        await using (var endless = _workplace.Start(tune))
        {
            await endless.LineAsync(line => line.StartsWith("trial 0: recall@20", StringComparison.Ordinal));
            while (Running() is not { Number: 1, Seconds: > 0 }) await Task.Delay(100);
            endless.Kill();
            await endless.ExitAsync();
        }

        var result = await _workplace.JsonAsync([.. tune, "--budget", "4s"]);

        Assert.Equal(("budget", 1), (result.GetProperty("ended_by").GetString(), result.GetProperty("trials_done").GetInt32()));
        Assert.InRange(result.GetProperty("interrupted_seconds").GetDouble(), 4, 60);

        (int Number, double Seconds) Running()
        {
            if (!File.Exists(Path.Combine(Study, "running.json"))) return default;
            var running = JsonNode.Parse(File.ReadAllText(Path.Combine(Study, "running.json")))!;
            return (running["number"]!.GetValue<int>(), running["seconds"]!.GetValue<double>());
        }
    }

    [Fact]
    public async Task Other_vectors_of_videos_are_other_rows_where_the_recipe_reads_them()
    {
        var tables = _workplace.PathOf("tables");
        Directory.CreateDirectory(tables);
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, Path.Combine(tables, Path.GetFileName(file)));
        var clips = Golden.Tables.Videos.Select((video, i) => $"{video.Id},clip,\"[{i % 5}, {i % 7 * 0.5:0.0}]\"").ToList();
        var sounds = Golden.Tables.Videos.Select((video, i) => $"{video.Id},sound,\"[{i % 3}]\"").ToList();
        string[] tune =
        [
            "tune", "--data", tables, "--recipe", "v2", "--epochs", "1", "--set", "features.video_features=clip", "--space", await SpaceAsync(), "--study", Study,
            "--trials", "1",
        ];
        Write([.. clips, .. sounds]);
        await _workplace.RunAsync(tune);

        Write([.. clips.Select(row => row.Replace("[0,", "[9,", StringComparison.Ordinal)), .. sounds]);
        await RefusedAsync("begun with other rows: those of tables then, tables now, and not the same ones", tune);

        // In another order, and with other vectors of a name that no trial reads.
        Write([.. sounds.Select(row => row.Replace("[0]", "[9]", StringComparison.Ordinal)), .. Enumerable.Reverse(clips)]);
        Assert.Contains("continuing: 1 trial is there", (await _workplace.RunAsync(tune)).Out, StringComparison.Ordinal);

        void Write(IEnumerable<string> rows) => File.WriteAllLines(Path.Combine(tables, "video_features.csv"), ["video_id,name,vector", .. rows]);
    }

    [Fact]
    public async Task Other_rows_other_settings_or_another_recipe_are_refused_in_a_study_that_was_begun()
    {
        var space = await SpaceAsync();
        string[] tune = ["tune", "--data", Golden.Folder, "--epochs", "1", "--space", space, "--study", Study, "--trials", "1"];
        await _workplace.RunAsync([.. tune, "--recipe", "v2"]);

        await RefusedAsync("begun with another recipe.training.lr: 0.001 then, 0.002 now", [.. tune, "--recipe", "v2", "--set", "training.lr=0.002"]);
        await RefusedAsync("begun with other rows", ["tune", "--generate", "--viewers", "150", "--videos", "250", .. tune[3..], "--recipe", "v2"]);
        await SpaceAsync("""{"training.lr": {"min": 0.001, "max": 0.02, "scale": "log"}}""");
        await RefusedAsync("begun with another space.training.lr.min", [.. tune, "--recipe", "v2"]);
    }

    private static double Recall(JsonElement trial) => trial.GetProperty("metrics").GetProperty("recall_20").GetDouble();

    private async Task RefusedAsync(string reason, params string[] args)
    {
        var result = await _workplace.TryAsync(args);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(reason, Assert.Single(result.ErrorLines), StringComparison.Ordinal);
    }

    private async Task<string> SpaceAsync(string json = """{"training.lr": {"min": 0.0005, "max": 0.02, "scale": "log"}, "samples.negative_popularity": {"min": 0, "max": 1}}""")
    {
        var path = _workplace.PathOf("mine.space.json");
        await File.WriteAllTextAsync(path, json);
        return path;
    }

    // What was tried and what came of it; how long it took is another matter.
    private static List<string> Results(string study) =>
        [.. File.ReadLines(Path.Combine(study, "trials.jsonl")).Select(line => JsonNode.Parse(line)!).Select(trial =>
        {
            trial["metrics"]!.AsObject().Remove("fit_seconds");
            return $"{trial["settings"]!.ToJsonString()} {trial["metrics"]!.ToJsonString()}";
        })];
}
