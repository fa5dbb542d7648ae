using TwoTower.AppHost;

namespace TwoTower.Deployment;

/// <summary>Docker Compose on one machine.</summary>
internal sealed class ComposePlatform : IPlatform
{
    private readonly DeploymentOptions _options;

    public ComposePlatform(IDistributedApplicationBuilder builder, DeploymentOptions options)
    {
        _options = options;
        builder.AddDockerComposeEnvironment("compose");
    }

    public void Database(IResourceBuilder<PostgresServerResource> postgres) => postgres
        // In a run the AppHost makes the database; here nobody does.
        .WithEnvironment("POSTGRES_DB", "twotower")
        .PublishAsDockerComposeService((_, service) =>
        {
            // An argument of the container runtime in a run.
            service.ShmSize = "1gb";
            service.Restart = "unless-stopped";
        });

    // The others' depends_on says service_completed_successfully (from WaitForCompletion).
    public void SetupJob(IResourceBuilder<ProjectResource> setup) => setup.PublishAsDockerComposeService((_, service) => service.Restart = "no");

    // Compose has no scheduler: the job itself waits between trainings.
    public void TrainingJob<T>(IResourceBuilder<T> trainer) where T : IResourceWithArgs, IComputeResource => trainer
        .WithArgs("--every", _options.Graph.Every ?? "24h")
        .PublishAsDockerComposeService((_, service) =>
        {
            service.Restart = "unless-stopped";
            if (_options.Gpu)
            {
                service.Devices.Add("nvidia.com/gpu=all");
            }
        });

    public void Service(IResourceBuilder<ProjectResource> service) => service.PublishAsDockerComposeService((_, compose) =>
    {
        compose.Restart = "unless-stopped";

        // Compose would choose another port of the host at each start; an address that people use stays.
        compose.Ports = [.. compose.Ports.Select(port => port.Contains(':', StringComparison.Ordinal) ? port : $"8080:{port}")];
    });
}
