namespace TwoTower.Architecture.Tests;

/// <summary>The order of the folders of all projects. docs/architecture.md draws it; a new folder gets its place here.</summary>
internal static class Floors
{
    /// <summary>Namespaces, the lowest first. One may use those before it. A project's own namespace stands where its files do: on top, but
    /// for Core's.</summary>
    public static readonly string[] BottomUp =
    [
        "TwoTower.LocalPostgres.Machine",
        "TwoTower.LocalPostgres.Servers",
        "TwoTower.LocalPostgres.Clusters",
        "TwoTower.LocalPostgres.Apt",
        "TwoTower.LocalPostgres.Container",
        "TwoTower.LocalPostgres",

        "TwoTower.Core",
        "TwoTower.Core.Formats",
        "TwoTower.Core.Rows",
        "TwoTower.Core.Configuration",
        "TwoTower.Core.Features",
        "TwoTower.Core.Artifacts.Onnx",
        "TwoTower.Core.Artifacts",
        "TwoTower.Core.Inference",
        "TwoTower.Core.Bundles",
        "TwoTower.Core.Quality",

        "TwoTower.Datasets.Import",
        "TwoTower.Datasets.Generation",

        "TwoTower.Postgres.Connections",
        "TwoTower.Postgres.Schema",
        "TwoTower.Postgres.Entities",
        "TwoTower.Postgres.Tables",
        "TwoTower.Postgres.Features",
        "TwoTower.Postgres.Releases",
        "TwoTower.Postgres.Gate",
        "TwoTower.Postgres.Impressions",
        "TwoTower.Postgres.Serving",
        "TwoTower.Postgres.Experiments",
        "TwoTower.Postgres.Experiments.Comparison",
        "TwoTower.Postgres.Experiments.Rollback",

        "TwoTower.Supabase.Http",
        "TwoTower.Supabase.Import",
        "TwoTower.Supabase.Uploads",
        "TwoTower.Supabase.Stores",
        "TwoTower.Supabase.Publishing",

        "TwoTower.Training.Randomness",
        "TwoTower.Training.Samples",
        "TwoTower.Training.Towers",
        "TwoTower.Training.Factors",
        "TwoTower.Training.Loop",
        "TwoTower.Training.Loop.Cpu",
        "TwoTower.Training.Histories",
        "TwoTower.Training.Probabilities",
        "TwoTower.Training",

        "TwoTower.Evaluation.Queries",
        "TwoTower.Evaluation.Models",
        "TwoTower.Evaluation.Evaluators",
        "TwoTower.Evaluation.Protocols",
        "TwoTower.Evaluation.Baselines",
        "TwoTower.Evaluation.Results",
        "TwoTower.Evaluation.Live",
        "TwoTower.Evaluation.Report",
        "TwoTower.Evaluation.Tuning",
        "TwoTower.Evaluation",

        "TwoTower.Embedding.Telemetry",
        "TwoTower.Embedding.Settings",
        "TwoTower.Embedding.Encoding",
        "TwoTower.Embedding.Texts",
        "TwoTower.Embedding.Leases",
        "TwoTower.Embedding.Publishing",
        "TwoTower.Embedding.Following",
        "TwoTower.Embedding",

        "TwoTower.ServiceDefaults.Commands",
        "TwoTower.ServiceDefaults.Health",
        "TwoTower.ServiceDefaults.Telemetry",
        "TwoTower.ServiceDefaults.Database",
        "TwoTower.ServiceDefaults.Upkeep",
        "TwoTower.ServiceDefaults",

        "TwoTower.Web.Settings",
        "TwoTower.Web.Problems",
        "TwoTower.Web.Requests",
        "TwoTower.Web.Releases",
        "TwoTower.Web.Experiments",
        "TwoTower.Web.Decisions",
        "TwoTower.Web.Recommendations",
        "TwoTower.Web.Videos",
        "TwoTower.Web.Hosting",
        "TwoTower.Web.Json",
        "TwoTower.Web.OpenApi",
        "TwoTower.Web",

        "TwoTower.Trainer.Hosting",

        "TwoTower.Embedder.Publishing",

        "TwoTower.Cli.Output",
        "TwoTower.Cli.Hosting",
        "TwoTower.Cli.Telemetry",
        "TwoTower.Cli.Serving",
        "TwoTower.Cli.Doctor",
        "TwoTower.Cli.Stages",
        "TwoTower.Cli.Demo",
        "TwoTower.Cli.Evaluation",
        "TwoTower.Cli.Commands",
        "TwoTower.Cli.Commands.Releases",
        "TwoTower.Cli",

        "TwoTower.AppHost",
    ];

    /// <summary>The uses that go up, a line each.</summary>
    public static IReadOnlyList<string> Violations(IEnumerable<Use> uses, IReadOnlyList<string> order)
    {
        var floor = order.Select((name, index) => (name, index)).ToDictionary(entry => entry.name, entry => entry.index);
        return
        [
            .. uses.Where(use => floor.TryGetValue(use.From, out var from) && floor.TryGetValue(use.To, out var to) && to > from)
                .Select(use => $"{use.From}.{use.Type} uses {use.To}, which is above it").Distinct().Order(StringComparer.Ordinal),
        ];
    }
}
