namespace TwoTower.AppHost.Publishing;

/// <summary>
/// How each kind of process is written for each platform. The annotations of the platforms that aren't the target are left out:
/// they fail a publish that has no environment of theirs. In a run all of this does nothing.
/// </summary>
internal static class Jobs
{
    // Training takes minutes to hours; a job that hangs must not hold its place for ever.
    private const int TrainingSeconds = 6 * 60 * 60;

    /// <summary>Runs once, before the rest; the rest doesn't start when it fails.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsSetupJob(this IResourceBuilder<ProjectResource> setup, AppHostOptions options)
    {
        if (setup.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return setup;
        }

        return options.Target switch
        {
            // The others' depends_on says service_completed_successfully (from WaitForCompletion).
            PublishTarget.Compose => setup.PublishAsDockerComposeService((_, service) => service.Restart = "no"),
            PublishTarget.Kubernetes => setup.PublishAsKubernetesService(
                resource => KubernetesJobs.AsSetup(resource, databaseInChart: options.Database == DatabaseChoice.Container)),
            // Azure has no order between resources: azure.yaml starts this job after each deployment; the services retry until then.
            _ => setup.PublishAsAzureContainerAppJob(),
        };
    }

    /// <summary>Runs on a schedule: a cron job where the platform has one, else a loop of the trainer's own.</summary>
    public static IResourceBuilder<T> PublishAsTrainingJob<T>(this IResourceBuilder<T> trainer, AppHostOptions options)
        where T : IResourceWithArgs, IComputeResource
    {
        if (trainer.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return trainer;
        }

        // Compose has no scheduler, so there the job waits between trainings itself. Schedulers count every exit code but 0 as a
        // failure, and having nothing to train on is none.
        trainer.WithArgs(options.Target == PublishTarget.Compose ? ["--every", options.Every ?? "24h"] : ["--allow-nothing"]);
        var gpu = options.Device == "cuda";
        return options.Target switch
        {
            PublishTarget.Compose => trainer.PublishAsDockerComposeService((_, service) =>
            {
                service.Restart = "unless-stopped";
                if (gpu)
                {
                    service.Devices.Add("nvidia.com/gpu=all");
                }
            }),
            PublishTarget.Kubernetes => trainer.PublishAsKubernetesService(
                resource => KubernetesJobs.OnSchedule(resource, options.Schedule, TrainingSeconds, gpu)),
            _ => trainer.PublishAsScheduledAzureContainerAppJob(options.Schedule, (_, job) =>
            {
                job.Configuration.ReplicaTimeout = TrainingSeconds;
                job.Configuration.ReplicaRetryLimit = 1;
            }),
        };
    }

    /// <summary>Runs for ever and comes back by itself after a crash.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsLongRunning(this IResourceBuilder<ProjectResource> service, AppHostOptions options) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode ? service : options.Target switch
        {
            PublishTarget.Compose => service.PublishAsDockerComposeService((_, compose) =>
            {
                compose.Restart = "unless-stopped";

                // Compose would choose another port of the host at each start; an address that people use stays.
                compose.Ports = [.. compose.Ports.Select(port => port.Contains(':', StringComparison.Ordinal) ? port : $"8080:{port}")];
            }),
            PublishTarget.Kubernetes => service.PublishAsKubernetesService(KubernetesJobs.WithValidProbes),
            _ => service,
        };

    /// <summary>What a published database needs that a run gives it otherwise: `--shm-size`, which is an argument of the container
    /// runtime; the database itself, which the AppHost makes in a run; a folder of its own in a volume that isn't empty.</summary>
    public static IResourceBuilder<PostgresServerResource> PublishAsDatabase(
        this IResourceBuilder<PostgresServerResource> postgres, AppHostOptions options)
    {
        if (postgres.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return postgres;
        }

        postgres.WithEnvironment("POSTGRES_DB", "twotower");
        return options.Target switch
        {
            PublishTarget.Compose => postgres.PublishAsDockerComposeService((_, service) =>
            {
                service.ShmSize = "1gb";
                service.Restart = "unless-stopped";
            }),
            PublishTarget.Kubernetes => postgres
                .WithEnvironment("PGDATA", "/var/lib/postgresql/data/pgdata")
                .PublishAsKubernetesService(KubernetesJobs.WithSharedMemory),
            _ => postgres,
        };
    }
}
