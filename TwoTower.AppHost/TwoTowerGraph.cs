namespace TwoTower.AppHost;

/// <summary>What a TwoTower system consists of, and in which order it starts.</summary>
internal static class TwoTowerGraph
{
    /// <summary>Adds the database, the migration, the trainer, the embedder and the API.</summary>
    /// <param name="builder">The application; a run of it or a deployment.</param>
    /// <param name="options">The choices of the command line.</param>
    /// <param name="platform">Where a deployment goes; null in a run.</param>
    /// <exception cref="Core.InputException">No way to a database; the message has the remedies.</exception>
    public static async Task AddTwoTowerAsync(
        this IDistributedApplicationBuilder builder, AppHostOptions options, IPlatform? platform = null)
    {
        // Everyone gets ConnectionStrings__twotower. As a parameter (in a deployment, by default) it is a secret that the platform asks
        // for.
        var choice = options.Database ?? await Database.ChooseAsync(Console.WriteLine);
        var database = choice switch
        {
            DatabaseChoice.Container => builder.AddPostgresContainer(platform),
            DatabaseChoice.Local => await builder.AddLocalPostgresAsync(Console.WriteLine),
            _ => builder.AddConnectionString("twotower"),
        };

        // The schema comes first: the others start when this has exited with 0. A failure stops them, and its log says why.
        // It waits itself as well: a platform may know only that the database's container runs, not that the server in it answers.
        var migration = builder.AddProject<Projects.TwoTower_Cli>("migration", launchProfileName: null)
            .WithArgs("db", "migrate", "--wait", "60")
            .WithDatabase(database).WaitFor(database)
            .AsInARun();
        platform?.SetupJob(migration);

        // A new clone should show recommendations, so an empty database gets the demo catalogue. Never in a deployment: it isn't even
        // part of what is published.
        var demoData = platform is null && options.DemoData
            ? builder.AddProject<Projects.TwoTower_Cli>("demo-data", launchProfileName: null)
                .WithArgs("generate", "--if-empty", "--wait", "60")
                .WithDatabase(database).WaitForCompletion(migration)
                .AsInARun()
            : null;

        // Trains where no release exists, again every `--every`, and on demand by its command. Nothing waits for it: with too few
        // decisions it exits with a code of its own, and the API serves popular and fresh videos meanwhile.
        builder.AddTrainer(options, database, after: demoData ?? migration, platform);

        // Follows new releases and changed videos. A first release replaces nothing, so nobody needs to activate it by hand.
        var embedder = builder.AddProject<Projects.TwoTower_Embedder>("embedder", launchProfileName: null)
            .WithEnvironment("TwoTower__Embedder__ActivateFirst", "true")
            .WithDatabase(database).WaitForCompletion(migration)
            .AsInARun();
        platform?.Service(embedder);

        // Plain HTTP: TLS ends at the platform's ingress, and a developer needs no trusted certificate. Replicas hold no state.
        // Ready means database, extension and migrations; without a release it is "degraded" and still ready (200). The probes are the
        // platform's and, in a run, the dashboard's health checks (adding those as well is refused: they would be there twice).
        var api = builder.AddProject<Projects.TwoTower_Api>("api", launchProfileName: null)
            .WithHttpEndpoint(port: platform is null && options.Port != 0 ? options.Port : null)
            .WithExternalHttpEndpoints()
            .WithReplicas(options.Replicas)
            .WithHttpProbe(ProbeType.Liveness, "/health/live")
            .WithHttpProbe(ProbeType.Readiness, "/health/ready")
            .WithUrlForEndpoint("http", url => url.DisplayText = "API")
            .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/docs", DisplayText = "Documentation" })
            .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/health/ready", DisplayText = "Health" })
            .WithDatabase(database).WaitForCompletion(migration)
            .AsInARun();
        platform?.Service(api);

        if (platform is null)
        {
            embedder.WithReEmbedCommand(database);
        }
    }

    /// <summary>What a process needs in a run and not in a deployment.</summary>
    public static IResourceBuilder<ProjectResource> AsInARun(this IResourceBuilder<ProjectResource> process) =>
        process.ApplicationBuilder.ExecutionContext.IsPublishMode ? process : process
            // A launch profile would say this, and the processes have none: without it they'd run as in production.
            .WithEnvironment("DOTNET_ENVIRONMENT", process.ApplicationBuilder.Environment.EnvironmentName)
            // The folder of checkpoints and the like, never among the sources.
            .WithEnvironment("TWOTOWER_HOME", Database.StateHome(process.ApplicationBuilder))
            // HTTP only: otherwise the dashboard warns that no development certificate is trusted.
            .WithoutHttpsCertificate();
}
