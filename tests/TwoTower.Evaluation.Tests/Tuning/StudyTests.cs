using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Tuning;
using TwoTower.Testing;

namespace TwoTower.Evaluation.Tests.Tuning;

public sealed class StudyTests : IDisposable
{
    private const string Space = """{"training.epochs": {"min": 2, "max": 50}, "training.lr": {"min": 0.0001, "max": 0.01, "scale": "log"}}""";

    private readonly TemporaryFolder _folder = new();

    private string Folder => Path.Combine(_folder.Path, "study");

    private string Trials => Path.Combine(Folder, "trials.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_study_goes_on_with_the_trials_that_are_there()
    {
        Begin(2);

        using var study = Study.Open(Folder, Plan());

        Assert.Equal([0, 1], study.Trials.Select(trial => trial.Number));
        Assert.Equal(Of(1).ToLine(), study.Trials[1].ToLine());
        Assert.Equal("it diverged", study.Trials[1].Failed);
        Assert.False(study.DroppedHalf);
        Assert.False(study.IsOfAnotherBuild);
    }

    [Theory]
    [InlineData("""{"number":2,"settings":{"trai""")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0")]
    public void A_half_written_last_line_is_dropped_and_the_next_trial_takes_its_place(string half)
    {
        Begin(2);
        File.AppendAllText(Trials, half);

        using (var study = Study.Open(Folder, Plan()))
        {
            Assert.True(study.DroppedHalf);
            Assert.Equal(2, study.Trials.Count);
            study.Add(Of(2));
        }

        using var again = Study.Open(Folder, Plan());
        Assert.Equal(3, again.Trials.Count);
        Assert.False(again.DroppedHalf);
    }

    [Theory]
    [InlineData("{\"number\":2}\n", "line 3 is no trial")]
    [InlineData("nonsense\n", "line 3 is no trial")]
    [InlineData("""{"number":2,"settings":{"training.epochs":3},"seeds":[42],"metrics":{},"seconds":1,"finished_at":"2025-01-01T00:00:00+00:00"}""" + "\n", "its settings aren't the space's")]
    [InlineData("""{"number":7,"settings":{"training.epochs":3,"training.lr":0.1},"seeds":[42],"metrics":{},"seconds":1,"finished_at":"2025-01-01T00:00:00+00:00"}""" + "\n", "it has number 7, and 2 was expected")]
    public void A_whole_line_that_is_no_trial_is_an_error(string line, string reason)
    {
        Begin(2);
        File.AppendAllText(Trials, line);

        Assert.Contains(reason, Assert.Throws<InputException>(() => Study.Open(Folder, Plan())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_study_of_before_recipes_had_kinds_goes_on()
    {
        Begin(1);
        var path = Path.Combine(Folder, "study.json");
        var begun = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        var recipe = begun["recipe"]!.AsObject();
        recipe.Remove("kind");
        recipe["history"] = new JsonObject { ["enabled"] = false, ["ridge"] = 350 };
        File.WriteAllText(path, begun.ToJsonString());

        using var study = Study.Open(Folder, Plan());

        Assert.Single(study.Trials);
    }

    [Fact]
    public void A_study_that_was_begun_otherwise_is_refused_with_the_difference()
    {
        Begin(1);

        Refused(Plan() with { DataFingerprint = "another" }, "begun with other rows: those of films then, films now");
        Refused(Plan() with { Seeds = [42, 43] }, "begun with another seeds: [42] then, [42,43] now");
        Refused(Plan() with { Protocol = new() { ["name"] = "time" } }, "begun with another protocol.name: \"held-out-users\" then, \"time\" now");
        Refused(Plan() with { Recipe = Spaces.Recipe with { Model = new() { EmbeddingDim = 64 } } }, "begun with another recipe.model.embedding_dim: 256 then, 64 now");
        Refused(Plan() with { Space = Spaces.Of(Space.Replace("50", "60", StringComparison.Ordinal)) }, "begun with another space.training.epochs.max: 50 then, 60 now");
        Refused(
            Plan() with { Space = Spaces.Of("""{"training.epochs": {"min": 2, "max": 50}}""") }, "begun with another space.training.lr.min: 0.0001 then, nothing now");

        using var moved = Study.Open(Folder, Plan() with { DataName = "the same rows elsewhere" });
        Assert.Single(moved.Trials);
    }

    [Fact]
    public void Another_build_of_the_program_is_told_from_this_one()
    {
        Begin(1);
        var path = Path.Combine(Folder, "study.json");
        var begun = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        begun["trainer"] = "0.0.1+another";
        File.WriteAllText(path, begun.ToJsonString());

        using var study = Study.Open(Folder, Plan());

        Assert.True(study.IsOfAnotherBuild);
    }

    [Fact]
    public void Only_one_run_at_a_time_has_a_study()
    {
        using (Study.Open(Folder, Plan()))
        {
            Assert.Contains("in use by another run", Assert.Throws<InputException>(() => Study.Open(Folder, Plan())).Message, StringComparison.Ordinal);
        }

        Study.Open(Folder, Plan()).Dispose();
    }

    [Fact]
    public void A_folder_with_other_things_and_a_file_are_refused()
    {
        Directory.CreateDirectory(Folder);
        var file = Path.Combine(Folder, "thesis.txt");
        File.WriteAllText(file, "years of work");

        Assert.Contains("holds other things", Assert.Throws<InputException>(() => Study.Open(Folder, Plan())).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<InputException>(() => Study.Open(file, Plan())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_have_a_fingerprint_that_any_change_of_them_changes()
    {
        var tables = EvaluationWorld.Of((1, 10, DecisionType.Like), (2, 20, DecisionType.Nope));
        var fingerprint = DataFingerprint.Of(tables);

        Assert.Equal(fingerprint, DataFingerprint.Of(EvaluationWorld.Of((1, 10, DecisionType.Like), (2, 20, DecisionType.Nope))));
        Assert.Equal(fingerprint, DataFingerprint.Of(tables with { VideoColumns = new HashSet<string> { "title" } }));
        Assert.NotEqual(fingerprint, DataFingerprint.Of(EvaluationWorld.Of((1, 10, DecisionType.Like), (2, 20, DecisionType.Like))));
        Assert.NotEqual(fingerprint, DataFingerprint.Of(tables with { Videos = [tables.Videos[0] with { Tags = ["drama"] }, tables.Videos[1]] }));
        Assert.NotEqual(fingerprint, DataFingerprint.Of(tables with { Profiles = [] }));
    }

    [Fact]
    public void Vectors_of_videos_are_part_of_it_whatever_the_order_of_their_names()
    {
        static string Of(params (string, float[])[] vectors)
        {
            var tables = EvaluationWorld.Of((1, 10, DecisionType.Like), (2, 20, DecisionType.Nope));
            return DataFingerprint.Of(
                tables with { Videos = [tables.Videos[0] with { VideoFeatures = vectors.ToDictionary() }, tables.Videos[1]] });
        }

        var fingerprint = Of(("clip", [0.5f, 1]), ("title", [2]));

        Assert.Equal(fingerprint, Of(("title", [2]), ("clip", [0.5f, 1])));
        Assert.NotEqual(fingerprint, Of(("clip", [0.5f, 1.5f]), ("title", [2])));
        Assert.NotEqual(fingerprint, Of(("clip", [0.5f, 1])));
        Assert.NotEqual(fingerprint, Of(("sound", [0.5f, 1]), ("title", [2])));
    }

    private void Begin(int trials)
    {
        using var study = Study.Open(Folder, Plan());
        for (var number = 0; number < trials; number++) study.Add(Of(number));
    }

    private void Refused(StudyPlan plan, string reason)
    {
        var error = Assert.Throws<InputException>(() => Study.Open(Folder, plan));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains("name another --study", error.Message, StringComparison.Ordinal);
    }

    private static StudyPlan Plan() => new()
    {
        DataName = "films",
        DataFingerprint = "1234",
        Protocol = new() { ["name"] = "held-out-users" },
        Recipe = Spaces.Recipe,
        Space = Spaces.Of(Space),
        Seeds = [42],
    };

    internal static Study Open(string folder) => Study.Open(folder, Plan());

    internal static Trial Of(int number) => new(
        number, new() { ["training.epochs"] = number + 3, ["training.lr"] = 0.001 }, [42], new Dictionary<string, double> { ["recall_20"] = 0.25 }, 1.5,
        new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), number == 1 ? "it diverged" : null);
}
