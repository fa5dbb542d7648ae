using System.Collections;
using System.Text.Json.Nodes;
using TwoTower.Core.Configuration;

namespace TwoTower.Core.Tests.Configuration;

public sealed class RecipeReaderTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"recipe-{Guid.NewGuid():N}.json");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_built_in_v2_recipe_is_the_contracts_defaults_with_every_key_written_out()
    {
        Assert.Contains("v2", RecipeReader.BuiltInNames);
        Assert.DoesNotContain("recipe.schema", RecipeReader.BuiltInNames);
        var defaults = RecipeReader.ToJson(new Recipe());
        Assert.Equal(defaults, RecipeReader.ToJson(Read("v2")));

        var file = JsonNode.Parse(Resource("recipes/v2.json"))!.AsObject();
        Assert.Equal(Keys(JsonNode.Parse(defaults)!.AsObject()), Keys(file).Where(key => key != "$schema"));
    }

    [Fact]
    public void Environment_overrides_the_file_and_the_command_line_overrides_both()
    {
        File.WriteAllText(_file, """{"name":"mine","training":{"epochs":1,"batch_size":512},"model":{"hidden_dims":[64],"dropout":[0.0]}}""");
        var environment = new Hashtable
        {
            ["TWOTOWER_RECIPE__TRAINING__EPOCHS"] = "2",
            ["TWOTOWER_RECIPE__SAMPLES__NEGATIVE_SAMPLING_RATIO"] = "5",
            ["PATH"] = "anything",
        };
        var recipe = RecipeReader.Read(_file, ["training.epochs=3", "features.use_rpc_features=false", "model.hidden_dims=32,16", "model.dropout=[0,0.5]"], environment);

        Assert.Equal("mine", recipe.Name);
        Assert.Equal(3, recipe.Training.Epochs);
        Assert.Equal(512, recipe.Training.BatchSize);
        Assert.Equal(5, recipe.Samples.NegativeSamplingRatio);
        Assert.False(recipe.Features.UseRpcFeatures);
        Assert.Equal([32, 16], recipe.Model.HiddenDims);
        Assert.Equal([0, 0.5], recipe.Model.Dropout);
        Assert.Equal(1e-3, recipe.Training.Lr);
    }

    [Fact]
    public void What_is_set_by_hand_is_not_chosen_wherever_it_is_set()
    {
        Assert.Equal(HistoryOptions.Choosable, Read("v4").History.Choose);
        var byHand = Read("v4", "history.ridge=350", "history.popularity_discount=0.3").History;
        Assert.Equal((350, false, false, true), (byHand.Ridge, byHand.Chooses("ridge"), byHand.Chooses("popularity_discount"), byHand.Chooses("content_weight")));
        Assert.False(RecipeReader.Read("v4", [], new Hashtable { ["TWOTOWER_RECIPE__HISTORY__TREND_WEIGHT"] = "0" }).History.Chooses("trend_weight"));
        Assert.Equal(["ridge"], Read("v4", "history.choose=ridge").History.Choose);
        Assert.Null(Read("v4", "history.choose=ridge", "history.ridge=5").History.Choose);
        Assert.Null(Read("v4", "history.choose=").History.Choose);
        Assert.False(RecipeReader.With(Read("v4"), new() { ["history.factors_share"] = 0.5 }, "space").History.Chooses("factors_share"));
        Assert.True(Read("v4", "history.copies=3").History.Chooses("ridge"));
        var perD = Read("v4", "history.ridge=350", "history.ridge_per_d=5").History;
        Assert.Equal((5, false), (perD.RidgePerD, perD.Chooses("ridge")));

        Assert.Null(Read("v3").History.Choose);
        Assert.DoesNotContain("choose", RecipeReader.ToJson(Read("v3")), StringComparison.Ordinal);
        Assert.Equal(Read("v4", "history.ridge=7").History.Choose, RecipeReader.Stored(RecipeReader.ToJson(Read("v4", "history.ridge=7")), "config").History.Choose);
        File.WriteAllText(_file, RecipeReader.ToJson(Read("v4", "history.ridge=7")));
        Assert.Equal(Read("v4", "history.ridge=7").History.Choose, Read(_file).History.Choose);
    }

    [Fact]
    public void Of_two_units_of_one_value_the_one_that_is_set_last_holds_and_a_file_has_one_of_them()
    {
        Assert.Equal((2.9, 0.3), (Read("v4").History.RidgePerD, Read("v4").History.ContentWeightPerD));
        Assert.Equal((null, null), (Read("v3").History.RidgePerD, Read("v3").History.ContentWeightPerD));
        Assert.DoesNotContain("per_d", RecipeReader.ToJson(Read("v3")), StringComparison.Ordinal);
        Assert.DoesNotContain("\"ridge\":", RecipeReader.ToJson(Read("v4", "history.choose=")), StringComparison.Ordinal);
        Assert.Equal((null, 0.3, 350), Values(Read("v4", "history.ridge=350").History));
        Assert.Equal((3, null, 12), Values(Read("v3", "history.ridge=9", "history.ridge_per_d=3", "history.content_weight=12").History, content: true));
        Assert.Equal((null, 0.3, 9), Values(Read("v4", "history.ridge_per_d=3", "history.ridge=9").History));
        Assert.Equal((7, 0, 350), Values(RecipeReader.With(Read("v4"), new() { ["history.content_weight_per_d"] = 0, ["history.ridge_per_d"] = 7 }, "space").History));

        // Written and read again it is what it was, and a file over the best recipe may have the one or the other.
        foreach (var recipe in new[] { Read("v4"), Read("v4", "history.choose="), Read("v4", "history.ridge=350"), Read("v3", "history.content_weight_per_d=0.5") })
        {
            File.WriteAllText(_file, RecipeReader.ToJson(recipe));
            Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(Read(_file)));
            Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(RecipeReader.Stored(RecipeReader.ToJson(recipe), "config")));
        }

        File.WriteAllText(_file, """{"kind":"history","history":{"ridge_per_d":3}}""");
        Assert.Equal((3, null, 350), Values(Read(_file).History));
        File.WriteAllText(_file, """{"kind":"history","history":{"ridge_per_d":3,"ridge":4}}""");
        Assert.EndsWith("history.ridge and history.ridge_per_d say one thing in two units: leave out one of them.", Assert.Throws<InputException>(() => Read(_file)).Message, StringComparison.Ordinal);

        static (double?, double?, double) Values(HistoryOptions history, bool content = false) =>
            (history.RidgePerD, history.ContentWeightPerD, content ? history.ContentWeight : history.Ridge);
    }

    [Theory]
    [InlineData("history.ridge_per_d=0", "history.ridge_per_d is 0; it must be between 1E-06 and 1000000")]
    [InlineData("history.ridge_per_d=much", "the value is 'much'; a number was expected")]
    [InlineData("history.content_weight_per_d=-1", "history.content_weight_per_d is -1; it must be between 0 and 1000000")]
    [InlineData("history.choose=smoothing", "history.choose has 'smoothing'; what can be chosen is max_items, ridge")]
    [InlineData("history.choose=ridge,ridge", "history.choose has 'ridge' twice; name each once")]
    [InlineData("history.choose=[1]", "history.choose is [1]; a list of texts was expected")]
    [InlineData("history.choose=[null]", "history.choose has ''; what can be chosen is")]
    public void What_cannot_be_chosen_is_refused(string assignment, string reason) =>
        Assert.Contains(reason, Assert.Throws<InputException>(() => Read("v4", assignment)).Message, StringComparison.Ordinal);

    [Fact]
    public void Vectors_from_elsewhere_are_named_by_file_or_override_and_without_any_a_recipe_is_written_as_ever()
    {
        File.WriteAllText(_file, """{"features":{"video_features":["clip","title"]}}""");
        Assert.Equal(["clip", "title"], Read(_file).Features.VideoFeatures);
        Assert.Equal(["sound"], Read(_file, "features.video_features=sound").Features.VideoFeatures);
        Assert.Equal(["a", "b"], Read("v2", """features.video_features=["a","b"]""").Features.VideoFeatures);
        Assert.Equal(["a", "b"], Read("v2", "features.video_features=a, b").Features.VideoFeatures);
        Assert.Contains("\"video_features\"", RecipeReader.ToJson(Read(_file)), StringComparison.Ordinal);

        Assert.Null(Read(_file, "features.video_features=").Features.VideoFeatures);
        Assert.Equal(RecipeReader.ToJson(Read("v3")), RecipeReader.ToJson(Read("v3", "features.video_features=[]")));
        Assert.DoesNotContain("video_features", RecipeReader.ToJson(Read("v3")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"trainning":{}}""", "there is no key 'trainning'")]
    [InlineData("""{"training":{"epoch":5}}""", "there is no key 'training.epoch'; known here are training.epochs")]
    [InlineData("""{"training":{"epochs":"many"}}""", "training.epochs is \"many\"; a whole number was expected")]
    [InlineData("""{"training":{"epochs":1.5}}""", "training.epochs is 1.5; a whole number was expected")]
    [InlineData("""{"training":5}""", "training is 5; a section")]
    [InlineData("""{"training":{"epochs":0}}""", "training.epochs is 0; it must be between 1 and 100000")]
    [InlineData("""{"training":{"lr":null}}""", "training.lr is null; a number was expected")]
    [InlineData("""{"samples":{"train_val_split":1}}""", "samples.train_val_split is 1; it must be between 0 and 0.9")]
    [InlineData("""{"samples":{"held_out_users":0.6}}""", "samples.held_out_users is 0.6; it must be between 0 and 0.5")]
    [InlineData("""{"name":"Two Words"}""", "name is 'Two Words'; it must be given and lower-case letters")]
    [InlineData("""{"model":{"dropout":[0.2]}}""", "model.dropout has 1 rates [0.2], but hidden_dims has 2 layers")]
    [InlineData("""{"model":{"dropout":[0.2,1.0]}}""", "model.dropout is [0.2, 1]; each rate must be 0 or more and less than 1")]
    [InlineData("""{"model":{"hidden_dims":[],"dropout":[]}}""", "model.hidden_dims is []; it must be at least 1 long")]
    [InlineData("""{"features":{"video_features":["two words"]}}""", "features.video_features has 'two words'; a name is 1 to 63 letters")]
    [InlineData("""{"features":{"video_features":[null]}}""", "features.video_features has ''; a name is")]
    [InlineData("""{"features":{"video_features":["clip","clip"]}}""", "features.video_features has 'clip' twice")]
    [InlineData("""{"features":{"video_features":"clip"}}""", "features.video_features is \"clip\"; a list of texts was expected")]
    [InlineData("""{"model":{"hidden_dims":[0,5]}}""", "model.hidden_dims is [0, 5]; each width")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{", "is not JSON")]
    [InlineData("""{"seed":1,"seed":2}""", "is not JSON")]
    public void A_wrong_file_is_refused_with_the_key_the_value_and_what_is_allowed(string json, string reason)
    {
        File.WriteAllText(_file, json);
        var error = Assert.Throws<InputException>(() => Read(_file));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(_file, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("epochs=5", "there is no 'epochs'")]
    [InlineData("training.epoch=5", "there is no 'training.epoch'")]
    [InlineData("training=5", "there is no 'training'")]
    [InlineData("training.epochs", "must look like training.epochs=5")]
    [InlineData("training.epochs=five", "a whole number was expected")]
    [InlineData("training.epochs=-1", "between 1 and 100000")]
    public void A_wrong_override_is_refused(string assignment, string reason) => Assert.Contains(
        reason, Assert.Throws<InputException>(() => Read("v2", assignment)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_misspelt_environment_variable_is_refused_by_its_name()
    {
        var error = Assert.Throws<InputException>(
            () => RecipeReader.Read("v2", [], new Hashtable { ["TWOTOWER_RECIPE__TRAINING__EPOCH"] = "5" }));
        Assert.Contains("TWOTOWER_RECIPE__TRAINING__EPOCH", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_recipe_is_refused_with_the_names_that_exist() => Assert.Contains(
        "neither a file nor one of the built-in", Assert.Throws<InputException>(() => Read("v9")).Message, StringComparison.Ordinal);

    private static Recipe Read(string name, params string[] overrides) => RecipeReader.Read(name, overrides, new Hashtable());

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(Recipe).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static IEnumerable<string> Keys(JsonObject node, string prefix = "") => node.SelectMany(pair =>
        pair.Value is JsonObject section ? Keys(section, $"{prefix}{pair.Key}.") : [prefix + pair.Key]);
}
