using System.Collections;
using System.Text.Json.Nodes;
using TwoTower.Core.Configuration;

namespace TwoTower.Core.Tests.Configuration;

public sealed class RecipeKindTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"recipe-{Guid.NewGuid():N}.json");
    private readonly List<string> _said = [];

    public static TheoryData<string> BuiltIn => [.. RecipeReader.BuiltInNames];

    // Recipes of before there were kinds.
    public static TheoryData<string> Before => [.. RecipeReader.BuiltInNames.Where(name => name != "v4")];

    public static TheoryData<string> ForeignToHistory =>
    [
        "samples.negative_sampling_ratio=5", "samples.negative_popularity=0.1", "samples.train_val_split=0.2", "model.dropout=0.1", "training.logit_scale=10",
        "training.early_stopping_patience=2", "training.early_stopping_min_delta=0.1",
    ];

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("statistics", "v2-taste")]
    [InlineData("history", "v3")]
    public void An_empty_recipe_of_a_kind_is_the_best_of_that_kind(string kind, string best)
    {
        Assert.Equal(RecipeReader.ToJson(Read(best)), RecipeReader.ToJson(Write($$"""{"kind":"{{kind}}"}""")));
        Assert.Empty(_said);
    }

    [Theory]
    [InlineData("v2-taste")]
    [InlineData("v3")]
    public void The_best_recipe_of_a_kind_has_every_key_of_it_written_out(string name)
    {
        var file = RecipeFiles.Recipes.Read(name).Root;

        Assert.Equal(Keys(JsonNode.Parse(RecipeReader.ToJson(Read(name)))!.AsObject()), Keys(file));
    }

    [Fact]
    public void What_a_file_leaves_out_is_as_in_the_best_recipe_of_its_kind()
    {
        var recipe = Write("""{"kind":"history","name":"mine","history":{"ridge":5},"training":{"epochs":3}}""");

        Assert.Equal(
            RecipeReader.ToJson(Read("v3") with { Name = "mine", History = new() { Ridge = 5 }, Training = Read("v3").Training with { Epochs = 3 } }),
            RecipeReader.ToJson(recipe));
    }

    [Theory]
    [MemberData(nameof(ForeignToHistory))]
    public void A_history_recipe_refuses_what_only_a_statistics_recipe_reads_by_name_wherever_it_is_set(string assignment)
    {
        var (key, value) = (assignment.Split('=')[0], assignment.Split('=')[1]);
        var expected = $"{key} is a key of statistics recipes; recipe v3 is of the kind history, where it changes nothing. Leave it out, or train a statistics recipe (--recipe v2-taste";

        Assert.Contains(expected, Error(() => Read("v3", assignment)), StringComparison.Ordinal);
        var variable = $"TWOTOWER_RECIPE__{key.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant()}";
        var environment = Error(() => RecipeReader.Read("v3", [], new Hashtable { [variable] = value }));
        Assert.Contains(expected, environment, StringComparison.Ordinal);
        Assert.Contains(variable, environment, StringComparison.Ordinal);

        var parts = key.Split('.');
        Assert.Contains($"{key} is a key of statistics recipes", Error(() => Write($$"""{"kind":"history","{{parts[0]}}":{"{{parts[1]}}":[{{value}}]} }""")), StringComparison.Ordinal);
        Assert.Contains(
            $"{key} is a key of statistics recipes; recipe v3 is of the kind history",
            Error(() => SearchSpace.Parse($$"""{"{{key}}": {"min": 1, "max": 2} }""", "mine", Read("v3"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_statistics_recipe_refuses_what_only_a_history_recipe_reads()
    {
        Assert.Contains("history.ridge is a key of history recipes; recipe v2 is of the kind statistics", Error(() => Read("v2", "history.ridge=5")), StringComparison.Ordinal);
        Assert.Contains(
            "history.ridge, history.sweeps are keys of history recipes", Error(() => Write("""{"kind":"statistics","history":{"ridge":5,"sweeps":2}}""")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"kind":"deep"}""", "kind is \"deep\"; \"statistics\" or \"history\" was expected")]
    [InlineData("""{"kind":1}""", "kind is 1; \"statistics\" or \"history\" was expected")]
    [InlineData("""{"kind":null}""", "kind is null; \"statistics\" or \"history\" was expected")]
    [InlineData("""{"kind":"statistics","history":{"enabled":true}}""", "kind is statistics and history.enabled, its old name, is true: leave out history.enabled")]
    [InlineData("""{"kind":"history","history":{"enabled":1}}""", "history.enabled is 1; true or false was expected")]
    [InlineData("""{"kind":"history","history":5}""", "history is 5; a section")]
    [InlineData("""{"kind":"history","model":{"hidden_dims":[512,256]}}""", "model.hidden_dims has 2 layers [512, 256]; the user tower of a history recipe has one hidden layer")]
    public void A_kind_that_makes_no_sense_is_refused(string json, string reason) =>
        Assert.Contains(reason, Error(() => Write(json)), StringComparison.Ordinal);

    [Theory]
    [InlineData("kind=statistics")]
    [InlineData("history.enabled=false")]
    public void A_kind_is_not_changed_from_outside_but_may_be_repeated(string assignment)
    {
        Assert.Contains($"'{assignment}': recipe v3 is of the kind history, and stays so", Error(() => Read("v3", assignment)), StringComparison.Ordinal);
        Assert.Equal(RecipeKind.Statistics, Read("v2", assignment).Kind);
        Assert.Contains("true or false was expected", Error(() => Read("v2", "history.enabled=perhaps")), StringComparison.Ordinal);
        Assert.Contains("\"statistics\" or \"history\" was expected", Error(() => Read("v2", "kind=perhaps")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Before))]
    public void A_recipe_of_before_there_were_kinds_is_what_it_was(string name)
    {
        var recipe = RecipeReader.Read(Path.Combine(AppContext.BaseDirectory, "before-kinds", $"{name}.json"), [], new Hashtable(), _said.Add);

        Assert.Equal(RecipeReader.ToJson(Read(name)), RecipeReader.ToJson(recipe));
        var said = Assert.Single(_said);
        Assert.Contains($"says no kind and is read as before there were kinds: as a {(name == "v3" ? "history" : "statistics")} recipe", said, StringComparison.Ordinal);
        if (name == "v3")
        {
            Assert.Contains(
                "There these change nothing: samples.negative_sampling_ratio, samples.negative_popularity, samples.train_val_split, model.dropout, training.logit_scale, "
                + "training.early_stopping_patience, training.early_stopping_min_delta.", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_persons_own_recipe_of_before_has_the_values_of_v2_where_it_says_nothing()
    {
        Assert.Equal(RecipeReader.ToJson(Read("v2")), RecipeReader.ToJson(Write("{}")));
        var history = Write("""{"history":{"enabled":true,"ridge":5}}""");
        Assert.Equal(
            (RecipeKind.History, 5.0, 512, 256, 25, true),
            (history.Kind, history.History.Ridge, Assert.Single(history.Model.HiddenDims), history.Model.EmbeddingDim,
                history.Training.Epochs, history.Serving.ReRank));
        Assert.Equal([64], Write("""{"history":{"enabled":true},"model":{"hidden_dims":[64,32]}}""").Model.HiddenDims);
        Assert.Equal(RecipeKind.History, RecipeReader.Read(_file, ["history.enabled=true"], new Hashtable()).Kind);
        Assert.Equal(RecipeKind.Statistics, RecipeReader.Read(_file, ["history.enabled=false"], new Hashtable { ["TWOTOWER_RECIPE__HISTORY__ENABLED"] = "true" }).Kind);
    }

    [Theory]
    [MemberData(nameof(BuiltIn))]
    public void A_written_recipe_is_read_as_it_was(string name)
    {
        var recipe = Read(name, "serving.like_probability=false", "features.max_tag_vocab=77");

        Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(Write(RecipeReader.ToJson(recipe))));
        Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(RecipeReader.Stored(RecipeReader.ToJson(recipe), "config")));
    }

    [Fact]
    public void A_config_of_before_is_compared_as_what_it_would_be_today_and_one_of_others_stays_as_it_is()
    {
        var before = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "before-kinds", "v3.json")));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(RecipeReader.ToJson(Read("v3"))), RecipeReader.Current(before)));
        Assert.Equal("""{"embedding_dim":16}""", RecipeReader.Current(JsonNode.Parse("""{"embedding_dim":16}"""))!.ToJsonString());
    }

    private Recipe Write(string json)
    {
        File.WriteAllText(_file, json);
        return RecipeReader.Read(_file, [], new Hashtable(), _said.Add);
    }

    private static Recipe Read(string name, params string[] overrides) => RecipeReader.Read(name, overrides, new Hashtable());

    private static string Error(Func<object> read) => Assert.Throws<InputException>(read).Message;

    private static IEnumerable<string> Keys(JsonObject node, string prefix = "") => node.SelectMany(pair =>
        pair.Value is JsonObject section ? Keys(section, $"{prefix}{pair.Key}.") : [prefix + pair.Key]);
}
