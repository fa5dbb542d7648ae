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
            // The container sees no GPU unless its runtime passes it in.
            var container = builder.AddContainer("trainer", image);
            Configure(options.Device == "cpu" ? container : container.WithContainerRuntimeArgs("--gpus", "all"), options, database, after, platform);
        }
        else
        {
            var project = builder.AddProject<Projects.TwoTower_Trainer>("trainer", launchProfileName: null);
            if (platform is null)
            {
                project.WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
                    // The checkpoint lies with everything else that this clone keeps, never among the sources.
                    .WithEnvironment("TWOTOWER_HOME", Database.StateHome(builder));
            }

            Configure(project, options, database, after, platform);
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

        trainer.WithoutHttpsCertificate();
        trainer.WithTrainCommand(atStart: options.Every is { } every ? ["--every", every] : ["--if-needed"]);
        trainer.ShowLastRelease(database);
        trainer.WithLastReleaseCommand(database);
        trainer.WithRollBackCommand(database);
    }
}
