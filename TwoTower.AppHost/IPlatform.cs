namespace TwoTower.AppHost;

/// <summary>Where a deployment goes: how it runs each kind of process. A run on one machine needs none of this.</summary>
internal interface IPlatform
{
    /// <summary>A PostgreSQL of the deployment's own, its data outliving its container.</summary>
    void Database(IResourceBuilder<PostgresServerResource> postgres);

    /// <summary>Runs once, before the rest; the rest doesn't start when it fails.</summary>
    void SetupJob(IResourceBuilder<ProjectResource> setup);

    /// <summary>Runs on a schedule.</summary>
    void TrainingJob<T>(IResourceBuilder<T> trainer) where T : IResourceWithArgs, IComputeResource;

    /// <summary>Runs for ever and comes back by itself after a crash.</summary>
    void Service(IResourceBuilder<ProjectResource> service);
}
