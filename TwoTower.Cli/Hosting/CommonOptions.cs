using System.CommandLine;
using TwoTower.Core.Configuration;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Hosting;

/// <summary>Options that several verbs share.</summary>
internal static class CommonOptions
{
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print the result as JSON on standard output; messages go to standard error.",
        Recursive = true,
    };

    public static readonly Option<bool> Verbose = new("--verbose", "-v")
    {
        Description = "Say more: each SQL file, each source that was tried, the full trace of an error.",
        Recursive = true,
    };

    public static readonly Option<string?> Database = new("--database")
    {
        Description = "Connection string (Host=…;Database=…;Username=…), or a file that holds one. Without it: TWOTOWER_DATABASE, "
            + "ConnectionStrings__twotower, or the PostgreSQL that twotower sets up by itself. Keep passwords out of the command line.",
        HelpName = "STRING|FILE",
    };

    /// <summary>For verbs that a platform starts: Compose and Kubernetes know that a database's container runs, not that the server in it
    /// answers.</summary>
    public static readonly Option<int?> Wait = NumberOption.Create("--wait", "Seconds to wait for a named database that is still starting.", 1, 3600);

    public static readonly Option<string> Recipe = new("--recipe")
    {
        Description = "A recipe by name (v3, v2, v2-fast) or the path of a JSON file; docs/recipes.md explains each key.",
        HelpName = "NAME|FILE",
        DefaultValueFactory = _ => RecipeReader.DefaultName,
    };

    public static readonly Option<string[]> Set = new("--set")
    {
        Description = "Override one key of the recipe, such as --set model.embedding_dim=128. May be repeated.",
        HelpName = "KEY=VALUE",
    };

    public static readonly Option<int?> Epochs = NumberOption.Create("--epochs", "Most passes over the samples (training.epochs of the recipe).", 1);

    public static readonly Option<int?> Seed = NumberOption.Create("--seed", "Everything random comes from it (seed of the recipe).", 0);

    public static readonly Option<string> Device = Choice("--device", "What to train on; cuda without a GPU is an error, auto falls back.", "auto", "auto", "cpu", "cuda");

    public static readonly Option<int?> Threads = NumberOption.Create("--threads", "CPU threads for training; all cores when left out.", 1, 1024);

    private static Option<string> Choice(string name, string description, string defaultValue, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    /// <summary>The recipe's overrides in the order in which they apply: --set, then the options with names of their own.</summary>
    public static IReadOnlyList<string> Overrides(ParseResult parse)
    {
        var overrides = new List<string>(parse.GetValue(Set) ?? []);
        if (parse.GetValue(Epochs) is { } epochs)
        {
            overrides.Add($"training.epochs={epochs}");
        }

        if (parse.GetValue(Seed) is { } seed)
        {
            overrides.Add($"seed={seed}");
        }

        return overrides;
    }
}
