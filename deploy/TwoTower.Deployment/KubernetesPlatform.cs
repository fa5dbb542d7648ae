using Microsoft.Extensions.Configuration;
using TwoTower.AppHost;
using TwoTower.Core;

namespace TwoTower.Deployment;

/// <summary>Kubernetes, as a Helm chart.</summary>
internal sealed class KubernetesPlatform : IPlatform
{
    private readonly DeploymentOptions _options;

    /// <exception cref="InputException">The chart's publisher needs a connection string, and there is nobody to ask.</exception>
    public KubernetesPlatform(IDistributedApplicationBuilder builder, DeploymentOptions options)
    {
        _options = options;

        // The publisher wants every parameter's value, although it writes no secret's, and asks for what is missing. Started by the
        // Aspire command line there is somebody to ask; started by `dotnet run` it would wait for ever.
        if (options.Graph.Database == DatabaseChoice.ConnectionString
            && builder.Configuration.GetConnectionString("twotower") is null
            && builder.Configuration["ASPIRE_BACKCHANNEL_PATH"] is null)
        {
            throw new InputException("no connection string: set ConnectionStrings__twotower (the chart gets a placeholder, not its value), "
                + "or publish with `aspire publish`, which asks for it");
        }

        // The default storage is the pod's own (emptyDir): a database in it would be gone with its pod.
        builder.AddKubernetesEnvironment("kubernetes")
            .WithProperties(kubernetes =>
            {
                kubernetes.DefaultStorageType = "pvc";
                kubernetes.DefaultStorageSize = "20Gi";
            })
            .WithHelm(chart => chart.WithChartName("twotower"));
    }

    public void Database(IResourceBuilder<PostgresServerResource> postgres) => postgres
        // In a run the AppHost makes the database; here nobody does.
        .WithEnvironment("POSTGRES_DB", "twotower")
        // A volume isn't empty, and PostgreSQL wants a folder that is.
        .WithEnvironment("PGDATA", "/var/lib/postgresql/data/pgdata")
        .PublishAsKubernetesService(KubernetesJobs.WithSharedMemory);

    public void SetupJob(IResourceBuilder<ProjectResource> setup) =>
        setup.PublishAsKubernetesService(resource => KubernetesJobs.AsSetup(resource, databaseInChart: _options.OwnDatabase));

    public void TrainingJob<T>(IResourceBuilder<T> trainer) where T : IResourceWithArgs, IComputeResource => trainer
        .WithArgs(Training.Scheduled)
        .PublishAsKubernetesService(
            resource => KubernetesJobs.OnSchedule(resource, _options.Schedule, Training.LimitSeconds, _options.Gpu));

    public void Service(IResourceBuilder<ProjectResource> service) => service.PublishAsKubernetesService(KubernetesJobs.WithValidProbes);
}
