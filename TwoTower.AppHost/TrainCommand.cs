using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.Core.Configuration;

namespace TwoTower.AppHost;

/// <summary>The command `Train` of the dashboard, and of `aspire resource trainer train`.</summary>
internal static class TrainCommand
{
    /// <summary>Adds the command, and the arguments that the trainer is started with.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="atStart">Its arguments before the first `Train`.</param>
    public static void WithTrainCommand<T>(this IResourceBuilder<T> trainer, string[] atStart) where T : IResourceWithArgs
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
            // The dashboard greys the command out meanwhile, the command line doesn't: starting what runs would end the training.
            var resources = context.Services.GetRequiredService<ResourceNotificationService>();
            if (!resources.TryGetCurrentState(context.ResourceName, out var current) || !HasEnded(current.Snapshot))
            {
                return CommandResults.Failure(
                    $"the trainer is {current?.Snapshot.State?.Text ?? "not there yet"}: wait until it has ended, or stop it first (its checkpoint is kept)");
            }

            string[] recipe = context.Arguments["recipe"].Value is { Length: > 0 } name ? ["--recipe", name] : [];
            string[] epochs = Epochs(context.Arguments["epochs"]) is { Length: > 0 } count ? ["--set", $"training.epochs={count}"] : [];
            next = [.. recipe, .. epochs];

            var started = await context.Services.GetRequiredService<ResourceCommandService>()
                .ExecuteCommandAsync(context.ResourceName, KnownResourceCommands.StartCommand, context.CancellationToken);
            if (!started.Success)
            {
                return started;
            }

            // Until then it still counts as ended, and a second `Train` would be let through.
            await resources.WaitForResourceAsync(
                trainer.Resource.Name, now => now.Snapshot.StartTimeStamp != current.Snapshot.StartTimeStamp && now.Snapshot.StartTimeStamp is not null, context.CancellationToken);
            return CommandResults.Success("the training has started; the trainer's log says how it goes");
        },
        new CommandOptions
        {
            Description = "Trains a new release on the decisions that are there now.",
            IconName = "BrainCircuit",
            IsHighlighted = true,
            Arguments =
            [
                new InteractionInput
                {
                    Name = "recipe",
                    Label = "Recipe",
                    Description = "A built-in recipe, or the path of one.",
                    InputType = InputType.Choice,
                    Options = [.. RecipeReader.BuiltInNames.Select(name => KeyValuePair.Create(name, name))],
                    AllowCustomChoice = true,
                    Placeholder = "the configured one",
                },
                new InteractionInput { Name = "epochs", Label = "Epochs", InputType = InputType.Number, Placeholder = "the recipe's" },
            ],
            ValidateArguments = context =>
            {
                var epochs = context.Inputs["epochs"];
                if (Epochs(epochs) is null)
                {
                    context.AddValidationError(epochs, $"epochs '{epochs.Value}': write a whole number from 1");
                }

                return Task.CompletedTask;
            },
            UpdateState = context => HasEnded(context.ResourceSnapshot) ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        });
    }

    // Empty: none given. Null: not a number of epochs.
    private static string? Epochs(InteractionInput input) =>
        string.IsNullOrWhiteSpace(input.Value) ? ""
        : int.TryParse(input.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var epochs) && epochs > 0 ? $"{epochs}"
        : null;

    private static bool HasEnded(CustomResourceSnapshot trainer) => KnownResourceStates.TerminalStates.Contains(trainer.State?.Text);
}
