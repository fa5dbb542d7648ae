using Microsoft.Extensions.DependencyInjection;
using TwoTower.AppHost.Publishing;

namespace TwoTower.AppHost;

/// <summary>The trainer: a job that runs and exits, not a service.</summary>
internal static class Trainer
{
    /// <summary>Adds the trainer from its project, or from an image that has CUDA's libraries.</summary>
    public static void AddTrainer(
        this IDistributedApplicationBuilder builder, AppHostOptions options,
        IResourceBuilder<IResourceWithConnectionString> database, IResourceBuilder<IResource> after)
    {
        if (options.TrainerImage is { } image)
        {
            // The container sees no GPU unless its runtime passes it in.
            var container = builder.AddContainer("trainer", image);
            Configure(options.Device == "cpu" ? container : container.WithContainerRuntimeArgs("--gpus", "all"), options, database, after);
        }
        else
        {
            Configure(builder.AddProject<Projects.TwoTower_Trainer>("trainer", launchProfileName: null), options, database, after);
        }
    }

    private static void Configure<T>(
        IResourceBuilder<T> trainer, AppHostOptions options,
        IResourceBuilder<IResourceWithConnectionString> database, IResourceBuilder<IResource> after)
        where T : IResourceWithEnvironment, IResourceWithArgs, IResourceWithWaitSupport, IComputeResource
    {
        trainer
            // auto takes a GPU when there is one; cuda without one fails and says why.
            .WithEnvironment("TwoTower__Trainer__Device", options.Device)
            .WithDatabase(database).WaitForCompletion(after)
            // Published arguments belong to the platform's job (Publishing/), not to a start on this machine.
            .PublishAsTrainingJob(options);

        if (options.Recipe is { } recipe)
        {
            trainer.WithEnvironment("TwoTower__Trainer__Recipe", recipe);
        }

        if (trainer.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            string[] atStart = options.Every is { } every ? ["--every", every] : ["--if-needed"];
            trainer.WithTrainCommand(atStart);
        }
    }

    /// <summary>The command `Train` of the dashboard (and of `aspire resource trainer train`), with its arguments.</summary>
    private static void WithTrainCommand<T>(this IResourceBuilder<T> trainer, string[] atStart) where T : IResourceWithArgs
    {
        // What the next start is given: the arguments of the last `Train`, before the first one those of the application's start.
        var next = atStart;
        trainer.WithArgs(context =>
        {
            foreach (var argument in next)
            {
                context.Args.Add(argument);
            }
        });

        trainer.WithCommand("train", "Train", async context =>
        {
            string[] recipe = context.Arguments["recipe"].Value is { Length: > 0 } name ? ["--recipe", name] : [];
            string[] epochs = context.Arguments["epochs"].Value is { Length: > 0 } count ? ["--set", $"training.epochs={count}"] : [];
            next = [.. recipe, .. epochs];
            return await context.Services.GetRequiredService<ResourceCommandService>()
                .ExecuteCommandAsync(context.ResourceName, KnownResourceCommands.StartCommand, context.CancellationToken);
        },
        new CommandOptions
        {
            Description = "Trains a new release on the decisions that are there now.",
            IconName = "BrainCircuit",
            IsHighlighted = true,
            Arguments =
            [
                new InteractionInput { Name = "recipe", Label = "Recipe", InputType = InputType.Text, Placeholder = "the configured one" },
                new InteractionInput { Name = "epochs", Label = "Epochs", InputType = InputType.Number, Placeholder = "the recipe's" },
            ],
            // One training at a time: the command comes back when the last one has ended.
            UpdateState = context => KnownResourceStates.TerminalStates.Contains(context.ResourceSnapshot.State?.Text)
                ? ResourceCommandState.Enabled
                : ResourceCommandState.Disabled,
        });
    }
}
