using System.Collections;
using TwoTower.Core.Configuration;

namespace TwoTower.Core.Tests.Configuration;

public sealed class SearchSpaceTests
{
    private static readonly Recipe Default = new();

    public static TheoryData<string> BuiltIn => [.. SearchSpace.BuiltInNames];

    [Theory]
    [MemberData(nameof(BuiltIn))]
    public void A_built_in_space_holds_the_recipe_of_its_name(string name)
    {
        var recipe = RecipeReader.Read(name, [], new Hashtable());
        var space = SearchSpace.Read(name, recipe);

        // What the recipe leaves to the training has no value of its own.
        Assert.Equal(recipe.History.Choose is null, space.Locate(space.Own) is not null);
        Assert.Equal(name, SearchSpace.NameFor(recipe));
        Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(space.Apply(space.Own)));
    }

    [Fact]
    public void Vectors_that_some_choice_reads_are_those_of_the_recipe_and_of_every_value()
    {
        Assert.Empty(Parse("""{"training.lr": {"min": 0.001, "max": 0.01}}""").VideoFeatures);
        Assert.Equal(
            ["clip", "title"], Parse("""{"features.video_features": {"values": [["clip"], ["clip", "title"]]}}""").VideoFeatures.Order());
        Assert.Equal(
            ["sound"],
            SearchSpace.Parse("""{"training.lr": {"min": 0.001, "max": 0.01}}""", "mine", Default with { Features = new() { VideoFeatures = ["sound"] } }).VideoFeatures);
    }

    [Fact]
    public void Spaces_and_schemas_are_no_recipes()
    {
        Assert.Equal(["v2", "v3", "v4"], SearchSpace.BuiltInNames);
        Assert.All(RecipeReader.BuiltInNames, name => Assert.DoesNotContain('.', name));
    }

    [Fact]
    public void The_middle_of_a_log_range_is_its_geometric_mean_and_of_a_linear_one_the_arithmetic()
    {
        var space = Parse("""{"training.lr": {"min": 0.0001, "max": 0.01, "scale": "log"}, "training.logit_scale": {"min": 1, "max": 3}}""");

        var values = space.At([0.5, 0.5]);

        Assert.Equal("""{"training.lr":0.001,"training.logit_scale":2}""", values.ToJsonString());
        Assert.Equal([0.5, 0.5], space.Locate(values)!.Select(at => Math.Round(at, 9)));
        Assert.Equal("""{"training.lr":0.0001,"training.logit_scale":1}""", space.At([0, 0]).ToJsonString());
        Assert.Equal("""{"training.lr":0.01,"training.logit_scale":3}""", space.At([1, 1]).ToJsonString());
    }

    [Fact]
    public void Every_whole_number_and_every_value_of_a_list_has_the_same_room()
    {
        var space = Parse("""{"training.epochs": {"min": 2, "max": 5}, "model.hidden_dims": {"values": [[64, 32], [32, 16]]}}""");

        var values = Enumerable.Range(0, 800).Select(i => space.At([(i + 0.5) / 800, (i + 0.5) / 800])).ToList();

        Assert.Equal(["2", "3", "4", "5"], values.Select(value => value["training.epochs"]!.ToJsonString()).Distinct());
        Assert.All(values.CountBy(value => value["training.epochs"]!.ToJsonString()), count => Assert.Equal(200, count.Value));
        Assert.All(values.CountBy(value => value["model.hidden_dims"]!.ToJsonString()), count => Assert.Equal(400, count.Value));
        Assert.Equal([32, 16], space.Apply(values[^1]).Model.HiddenDims);
    }

    [Fact]
    public void Only_what_is_set_changes()
    {
        var space = Parse("""{"training.epochs": {"min": 2, "max": 5}}""");

        Assert.Equal(RecipeReader.ToJson(Default with { Training = Default.Training with { Epochs = 3 } }), RecipeReader.ToJson(space.Apply(new() { ["training.epochs"] = 3 })));
        Assert.Null(space.Locate(space.Own)); // 25 epochs lie outside
    }

    [Theory]
    [InlineData("v3")]
    [InlineData("v4")]
    public void What_the_training_chooses_stays_chosen_where_a_search_begins_and_is_set_where_it_tries(string space)
    {
        var recipe = RecipeReader.Read("v4", [], new Hashtable());
        var searched = SearchSpace.Read(space, recipe);

        Assert.Equal(RecipeReader.ToJson(recipe), RecipeReader.ToJson(searched.Apply(searched.Own)));
        Assert.Null(searched.Own["history.factors_share"]);
        Assert.Equal(10, searched.Own["history.smoothing"]!.GetValue<double>());
        var tried = searched.Apply(searched.At([.. searched.Settings.Select(_ => 0.5)])).History;
        Assert.Equal(["max_items"], tried.Choose);
        Assert.Equal(space == "v4", tried.RidgePerD is not null && tried.ContentWeightPerD is not null);
    }

    [Fact]
    public void A_key_that_the_recipe_has_no_value_of_begins_without_one()
    {
        var space = Parse("""{"features.video_features": {"values": [["clip"], ["clip", "title"]]}}""");

        Assert.Equal(RecipeReader.ToJson(Default), RecipeReader.ToJson(space.Apply(space.Own)));
        Assert.Null(space.Locate(space.Own));
    }

    [Fact]
    public void A_space_with_two_units_of_one_value_is_refused() => Assert.EndsWith(
        "history.ridge and history.ridge_per_d say one thing in two units: leave out one of them.",
        Assert.Throws<InputException>(() => SearchSpace.Parse(
            """{"history.ridge": {"min": 1, "max": 9}, "history.ridge_per_d": {"min": 1, "max": 9}}""", "mine.json", RecipeReader.Read("v4", [], new Hashtable()))).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "has no settings")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("""{"training.speed": {"min": 0, "max": 1}}""", "a recipe has no key 'training.speed'; known are features.max_tag_vocab")]
    [InlineData("""{"training": {"min": 0, "max": 1}}""", "a recipe has no key 'training'")]
    [InlineData("""{"kind": {"values": ["statistics", "history"]}}""", "kind can't be searched: a search compares recipes of one kind")]
    [InlineData("""{"history.ridge": {"min": 1, "max": 9}}""", "history.ridge is a key of history recipes; recipe v2 is of the kind statistics")]
    [InlineData("""{"history.enabled": {"values": [false, true]}}""", "a recipe has no key 'history.enabled'")]
    [InlineData("""{"seed": {"min": 1, "max": 9}}""", "seed can't be searched: a lucky seed is no better recipe")]
    [InlineData("""{"samples.held_out_users": {"min": 0, "max": 0.1}}""", "samples.held_out_users can't be searched")]
    [InlineData("""{"training.lr": 0.1}""", """training.lr is 0.1; {"min": …, "max": …} or {"values": […]} was expected""")]
    [InlineData("""{"training.lr": {"mni": 0.1, "max": 1}}""", "training.lr has 'mni'; known are values, min, max, scale, integer")]
    [InlineData("""{"training.lr": {"max": 1}}""", "training.lr has min nothing; a number was expected")]
    [InlineData("""{"training.lr": {"min": "small", "max": 1}}""", "training.lr has min \"small\"; a number was expected")]
    [InlineData("""{"training.lr": {"min": 0.1, "max": 0.1}}""", "training.lr has nothing between min 0.1 and max 0.1")]
    [InlineData("""{"training.lr": {"min": 1, "max": 0.1}}""", "training.lr has nothing between min 1 and max 0.1")]
    [InlineData("""{"training.weight_decay": {"min": 0, "max": 0.1, "scale": "log"}}""", "a range on a log scale begins above 0")]
    [InlineData("""{"training.lr": {"min": 0.1, "max": 1, "scale": "cubic"}}""", "training.lr has scale \"cubic\"")]
    [InlineData("""{"training.epochs": {"min": 1, "max": 5, "integer": false}}""", "training.epochs takes a whole number")]
    [InlineData("""{"training.epochs": {"min": 1.5, "max": 5}}""", "training.epochs takes whole numbers; min is 1.5")]
    [InlineData("""{"training.epochs": {"values": []}}""", "training.epochs has values []: give two different ones or more")]
    [InlineData("""{"training.epochs": {"values": [3, 3]}}""", "training.epochs has values [3,3]: give two different ones or more")]
    [InlineData("""{"training.epochs": {"values": [3, null]}}""", "training.epochs has null among its values")]
    [InlineData("""{"training.epochs": {"values": [3, 4], "max": 5}}""", "training.epochs has values and a range")]
    [InlineData("""{"model.hidden_dims": {"min": 16, "max": 64}}""", "model.hidden_dims takes a list of whole numbers, which has no range: give values")]
    [InlineData("""{"training.epochs": {"min": 0, "max": 5}}""", "training.epochs is 0; it must be between 1 and 100000")]
    [InlineData("""{"samples.train_val_split": {"values": [0.1, 0.95]}}""", "samples.train_val_split is 0.95; it must be between 0 and 0.9")]
    [InlineData("""{"training.epochs": {"values": [3, "many"]}}""", "training.epochs is \"many\"; a whole number was expected")]
    [InlineData("""{"model.hidden_dims": {"values": [[64, 32], [64]]}}""", "dropout has 2 rates")]
    public void A_wrong_space_is_refused_with_the_key_and_what_is_allowed(string json, string reason)
    {
        var error = Assert.Throws<InputException>(() => Parse(json));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("mine.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_space_is_refused_with_the_names_that_exist() => Assert.Equal(
        "There is no search space 'v9': it is neither a file nor one of the built-in v2, v3, v4.",
        Assert.Throws<InputException>(() => SearchSpace.Read("v9", Default)).Message);

    private static SearchSpace Parse(string json) => SearchSpace.Parse(json, "mine.json", Default);
}
