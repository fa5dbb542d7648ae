using TwoTower.AppHost;
using TwoTower.Core;

namespace TwoTower.Deployment;

/// <summary>What a publish writes for.</summary>
internal enum PublishTarget
{
    /// <summary>Docker Compose.</summary>
    Compose,

    /// <summary>Kubernetes, as a Helm chart.</summary>
    Kubernetes,

    /// <summary>Azure Container Apps, through the manifest that azd reads.</summary>
    Azure,
}

/// <summary>The choices of one publish, from the command line.</summary>
internal sealed record DeploymentOptions
{
    /// <summary>`--target compose|kubernetes|azure`; azure for the manifest (azd reads nothing else), else compose.</summary>
    public required PublishTarget Target { get; init; }

    /// <summary>`--schedule`: cron expression (UTC) of the training job where the platform has a scheduler.</summary>
    public required string Schedule { get; init; }

    /// <summary>What a run has as well. The database defaults to a connection string: a deployment's outlives its containers, and is
    /// usually a managed one.</summary>
    public required AppHostOptions Graph { get; init; }

    /// <summary>Whether the database is part of the deployment.</summary>
    public bool OwnDatabase => Graph.Database == DatabaseChoice.Container;

    /// <summary>Whether training needs a GPU.</summary>
    public bool Gpu => Graph.Device == "cuda";

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="InputException">An argument that nobody reads here, or a value that isn't one of the choices.</exception>
    public static DeploymentOptions Read(string[] args)
    {
        var given = new Arguments(args, [.. AppHostOptions.Shared, "target", "schedule"]);
        var graph = AppHostOptions.Read(given);
        var manifest = string.Equals(given["publisher"], "manifest", StringComparison.OrdinalIgnoreCase);
        var target = given.Choice<PublishTarget>("target") ?? (manifest ? PublishTarget.Azure : PublishTarget.Compose);
        if (graph.Database == DatabaseChoice.Local)
        {
            throw new InputException("--database local: a deployment can't use this machine's PostgreSQL; choose connection-string or container");
        }

        if (target == PublishTarget.Compose && given["schedule"] is { } schedule)
        {
            throw new InputException($"--schedule '{schedule}': Compose has no scheduler, its trainer waits between trainings; say how long with --every");
        }

        if (target != PublishTarget.Compose && graph.Every is { } every)
        {
            throw new InputException($"--every '{every}': this platform starts trainings by the clock; say when with --schedule");
        }

        if (target == PublishTarget.Azure && graph.Device == "cuda")
        {
            throw new InputException("--device cuda: the job for Azure Container Apps is published without a GPU; choose auto or cpu, or Compose or Kubernetes");
        }

        return new DeploymentOptions
        {
            Target = target,
            Schedule = given["schedule"] ?? "0 3 * * *",
            Graph = graph with { Database = graph.Database ?? DatabaseChoice.ConnectionString },
        };
    }
}
