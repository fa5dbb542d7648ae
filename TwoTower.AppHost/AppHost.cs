// The graph of a TwoTower system: `dotnet run --project TwoTower.AppHost` runs all of it on one machine, `publish` writes it for
// Docker Compose, Kubernetes or Azure (docs/deploy.md). The choices on the command line are in AppHostOptions.cs.
using TwoTower.AppHost;
using TwoTower.AppHost.Publishing;
using TwoTower.Core;
using TwoTower.LocalPostgres.Machine;

// Some of the calls are marked as open to change: probes (WithHttpProbe).
#pragma warning disable ASPIREPROBES001

try
{
    var builder = DistributedApplication.CreateBuilder(args);
    var running = builder.ExecutionContext.IsRunMode;
    var options = AppHostOptions.Read(args, publishing: !running);

    // Without a compute environment `publish` writes nothing and still exits 0; with two it asks which. So: one, always.
    builder.AddComputeEnvironment(options);

    // Everyone gets ConnectionStrings__twotower. As a parameter (publishing, by default) it is a secret that the platform asks for.
    var database = options.Database switch
    {
        DatabaseChoice.Container => builder.AddPostgresContainer(options),
        DatabaseChoice.Local => await builder.AddLocalPostgresAsync(),
        _ => builder.AddConnectionString("twotower"),
    };

    // The schema comes first: the others start when this has exited with 0. A failure stops them, and its log says why.
    // It waits itself as well: Compose knows that the database's container runs, not that the server in it answers.
    var migration = builder.AddProject<Projects.TwoTower_Cli>("migration", launchProfileName: null)
        .WithArgs("db", "migrate", "--wait", "60")
        .WithDatabase(database).WaitFor(database)
        .PublishAsSetupJob(options);

    // A new clone should show recommendations, so an empty database gets the demo catalogue. Never in a deployment: it isn't even
    // part of what is published.
    IResourceBuilder<ProjectResource>? demoData = running && options.DemoData
        ? builder.AddProject<Projects.TwoTower_Cli>("demo-data", launchProfileName: null)
            .WithArgs("generate", "--if-empty")
            .WithDatabase(database).WaitForCompletion(migration)
        : null;

    // Trains where no release exists, again every `--every`, and on demand by its command. Nothing waits for it: with too few
    // decisions it exits with a code of its own, and the API serves popular and fresh videos meanwhile.
    builder.AddTrainer(options, database, after: demoData ?? migration);

    // Follows new releases and changed videos. A first release replaces nothing, so nobody needs to activate it by hand.
    builder.AddProject<Projects.TwoTower_Embedder>("embedder", launchProfileName: null)
        .WithEnvironment("TwoTower__Embedder__ActivateFirst", "true")
        .WithDatabase(database).WaitForCompletion(migration)
        .PublishAsLongRunning(options);

    // Plain HTTP: TLS ends at the platform's ingress, and a developer needs no trusted certificate. Replicas hold no state.
    // Ready means database, extension and migrations; without a release it is "degraded" and still ready (200). The probes are the
    // platform's and, in a run, the dashboard's health checks (adding those as well is refused: they would be there twice).
    builder.AddProject<Projects.TwoTower_Api>("api", launchProfileName: null)
        .WithHttpEndpoint()
        .WithExternalHttpEndpoints()
        .WithReplicas(options.Replicas)
        .WithHttpProbe(ProbeType.Liveness, "/health/live")
        .WithHttpProbe(ProbeType.Readiness, "/health/ready")
        .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/docs", DisplayText = "API documentation" })
        .WithDatabase(database).WaitForCompletion(migration)
        .PublishAsLongRunning(options);

    builder.Build().Run();
    return 0;
}
catch (Exception wrong) when (wrong is InputException or LocalPostgresException)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}
