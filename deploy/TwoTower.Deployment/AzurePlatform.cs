using TwoTower.AppHost;

namespace TwoTower.Deployment;

/// <summary>Azure Container Apps, through the manifest that azd reads.</summary>
internal sealed class AzurePlatform : IPlatform
{
    private readonly DeploymentOptions _options;

    public AzurePlatform(IDistributedApplicationBuilder builder, DeploymentOptions options)
    {
        _options = options;
        builder.AddAzureContainerAppEnvironment("azure");
    }

    // In a run the AppHost makes the database; here nobody does.
    public void Database(IResourceBuilder<PostgresServerResource> postgres) => postgres.WithEnvironment("POSTGRES_DB", "twotower");

    // Azure has no order between resources: azure.yaml starts this job after each deployment; the services retry until then.
    public void SetupJob(IResourceBuilder<ProjectResource> setup) => setup.PublishAsAzureContainerAppJob();

    public void TrainingJob<T>(IResourceBuilder<T> trainer) where T : IResourceWithArgs, IComputeResource => trainer
        .WithArgs(Training.Scheduled)
        .PublishAsScheduledAzureContainerAppJob(_options.Schedule, (_, job) =>
        {
            job.Configuration.ReplicaTimeout = Training.LimitSeconds;
            job.Configuration.ReplicaRetryLimit = 1;
        });

    public void Service(IResourceBuilder<ProjectResource> service)
    {
        // A container app as it comes: it runs for ever, and its probes are the graph's.
    }
}
