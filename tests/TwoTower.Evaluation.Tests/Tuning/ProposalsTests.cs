using System.Text.Json.Nodes;
using TwoTower.Core.Configuration;
using TwoTower.Evaluation.Tuning;

namespace TwoTower.Evaluation.Tests.Tuning;

public sealed class ProposalsTests
{
    [Fact]
    public void Points_are_spread_evenly_in_every_dimension()
    {
        var sequence = new ScrambledHalton(3, seed: 7);
        var points = Enumerable.Range(0, 225).Select(number => sequence.At(number)).ToList();

        // A Halton sequence has one of b^k consecutive points in each b^k-th of a side, however its digits are permuted.
        foreach (var (dimension, parts) in new[] { (0, 128), (1, 81), (2, 125) })
        {
            Assert.Equal(Enumerable.Range(0, parts), points.Take(parts).Select(point => (int)(point[dimension] * parts)).Order());
        }

        Assert.NotEqual(points[1], new ScrambledHalton(3, seed: 8).At(1));
    }

    [Fact]
    public void The_first_trial_is_the_recipe_itself_even_where_the_space_doesnt_hold_it()
    {
        var space = Spaces.Of("""{"training.epochs": {"min": 2, "max": 5}}""");

        Assert.Equal("""{"training.epochs":25}""", new Proposals(space, 42).Next(0, [])!.ToJsonString());
    }

    [Fact]
    public void The_same_seed_and_trials_give_the_same_proposals_in_another_process_too()
    {
        var space = Spaces.Wide;
        var (once, again, other) = (Search(space, seed: 42, 20), Search(space, seed: 42, 20), Search(space, seed: 43, 20));

        Assert.Equal(once, again);
        Assert.NotEqual(once, other);

        // What is proposed depends on the trials alone, not on what this object has proposed before.
        Assert.Equal(once[^1], new Proposals(space, 42).Next(19, BestFirst(once.Take(19)))!.ToJsonString());
    }

    [Fact]
    public void Nothing_is_tried_twice_and_a_space_comes_to_its_end()
    {
        var space = Spaces.Of("""{"training.epochs": {"min": 2, "max": 4}, "training.batch_size": {"values": [128, 256]}}""");
        List<JsonObject> tried = [];
        while (new Proposals(space, 42).Next(tried.Count, tried) is { } next) tried.Add(next);

        Assert.Equal(1 + 6, tried.Count); // the recipe, outside of the space, and all six of it
        Assert.Equal(tried.Count, tried.Select(settings => settings.ToJsonString()).Distinct().Count());
    }

    [Fact]
    public void Search_comes_nearer_to_the_best_settings_than_even_spreading_does()
    {
        var space = Spaces.Wide;
        List<double> searched = [], spread = [];
        for (var seed = 0; seed < 15; seed++)
        {
            searched.Add(Search(space, seed, 40).Max(settings => Quality(JsonNode.Parse(settings)!.AsObject())));
            var halton = new ScrambledHalton(space.Settings.Count, seed);
            spread.Add(Enumerable.Range(1, 40).Max(number => Quality(space.At(halton.At(number)))));
        }

        // Squared distances to the best, medians of the seeds: a third at most.
        Assert.True(-searched.Order().ElementAt(7) < -spread.Order().ElementAt(7) / 3, $"{searched.Order().ElementAt(7)} against {spread.Order().ElementAt(7)}");
    }

    private static List<string> Search(SearchSpace space, int seed, int trials)
    {
        List<string> tried = [];
        while (tried.Count < trials) tried.Add(new Proposals(space, seed).Next(tried.Count, BestFirst(tried))!.ToJsonString());
        return tried;
    }

    private static List<JsonObject> BestFirst(IEnumerable<string> tried) =>
        [.. tried.Select(settings => JsonNode.Parse(settings)!.AsObject()).OrderByDescending(Quality)];

    // Best, at 0, somewhere off the middle; the recipe's own lr and weight decay are far from it.
    private static double Quality(JsonObject settings)
    {
        double[] best = [0.3, 0.7, 0.2, 0.6];
        var point = Spaces.Wide.Locate(settings);
        return point is null ? -4 : -point.Zip(best, (at, wanted) => (at - wanted) * (at - wanted)).Sum();
    }
}
