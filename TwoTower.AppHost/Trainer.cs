namespace TwoTower.AppHost;

/// <summary>The trainer: a job that runs and exits, not a service.</summary>
internal static class Trainer
{
    /// <summary>Adds the trainer from its project, or from an image that has CUDA's libraries.</summary>
    public static void AddTrainer(
        this IDistributedApplicationBuilder builder, AppHostOptions options,
        IResourceBuilder<IResourceWithConnectionString> database, IResourceBuilder<IResource> after, IPlatform? platform)
    {
        if (options.TrainerImage is { } image)
        {
            // The container sees no GPU unless its runtime passes it in, and a runtime that knows no GPU refuses to.
            var container = builder.AddContainer("trainer", image);
            Configure(options.Device == "cuda" ? container.WithContainerRuntimeArgs("--gpus", "all") : container, options, database, after, platform);
        }
        else
        {
            Configure(
                builder.AddProject<Projects.TwoTower_Trainer>("trainer", launchProfileName: null).AsInARun(), options, database, after, platform);
        }
    }

    private static void Configure<T>(
        IResourceBuilder<T> trainer, AppHostOptions options,
        IResourceBuilder<IResourceWithConnectionString> database, IResourceBuilder<IResource> after, IPlatform? platform)
        where T : IResourceWithEnvironment, IResourceWithArgs, IResourceWithWaitSupport, IComputeResource
    {
        trainer
            // auto takes a GPU when there is one; cuda without one fails and says why.
            .WithEnvironment("TwoTower__Trainer__Device", options.Device)
            .WithDatabase(database).WaitForCompletion(after);
        if (options.Recipe is { } recipe)
        {
            trainer.WithEnvironment("TwoTower__Trainer__Recipe", recipe);
        }

        if (platform is not null)
        {
            // A deployment's arguments belong to the platform's job, not to a start on this machine.
            platform.TrainingJob(trainer);
            return;
        }

        trainer.WithTrainCommand(options.Every);
        trainer.ShowNewestRelease(database);
        trainer.WithNewestReleaseCommand(database);
        trainer.WithRollBackCommand(database);
    }
}
