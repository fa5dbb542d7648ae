using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.Core.Configuration;

namespace TwoTower.AppHost;

/// <summary>The command `Train` of the dashboard, and of `aspire resource trainer train`.</summary>
internal static class TrainCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Adds the command, and the arguments that the trainer is started with.</summary>
    /// <param name="every">The pause of a trainer that trains again and again by itself; null trains where no release is.</param>
    public static void WithTrainCommand<T>(this IResourceBuilder<T> trainer, string? every) where T : IResourceWithArgs
    {
        // What a start is given: by `Train` its own arguments, once; by the application and by `Start` these.
        string[] otherwise = every is null ? ["--if-needed"] : ["--every", every];
        var next = otherwise;
        var one = new SemaphoreSlim(1);
        trainer.WithArgs(context =>
        {
            foreach (var argument in next)
            {
                context.Args.Add(argument);
            }
        });

        trainer.WithCommand("train", "Train", async context =>
        {
            if (!await one.WaitAsync(TimeSpan.Zero))
            {
                return CommandResults.Failure("a training is just being started");
            }

            try
            {
                next = Arguments(context.Arguments);
                return await StartAsync(context, trainer.Resource, every);
            }
            finally
            {
                next = otherwise;
                one.Release();
            }
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
                    Description = "A built-in recipe, or the full path of one.",
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

    private static async Task<ExecuteCommandResult> StartAsync(ExecuteCommandContext context, IResource trainer, string? every)
    {
        // The dashboard greys the command out meanwhile, the command line doesn't: starting what runs would end the training.
        var resources = context.Services.GetRequiredService<ResourceNotificationService>();
        if (!resources.TryGetCurrentState(context.ResourceName, out var before) || !HasEnded(before.Snapshot))
        {
            return CommandResults.Failure(every is null
                ? $"the trainer is {before?.Snapshot.State?.Text ?? "not there yet"}: wait until it has ended, or stop it first (its checkpoint is kept)"
                : $"the trainer trains every {every} by itself: stop it first, and start it afterwards to go on with that");
        }

        var started = await context.Services.GetRequiredService<ResourceCommandService>()
            .ExecuteCommandAsync(context.ResourceName, KnownResourceCommands.StartCommand, context.CancellationToken);
        if (!started.Success)
        {
            return started;
        }

        // Until then it still counts as ended, and a second `Train` would be let through. A start that fails never gets a time of its own.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await resources.WaitForResourceAsync(
                trainer.Name,
                now => now.Snapshot.StartTimeStamp is { } time && time != before.Snapshot.StartTimeStamp
                    || (now.Snapshot.State?.Text == KnownResourceStates.FailedToStart && now.Snapshot.State != before.Snapshot.State),
                patience.Token);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            return CommandResults.Failure($"the trainer didn't start within {Patience.TotalMinutes:0} minutes: its log says why");
        }

        return resources.TryGetCurrentState(context.ResourceName, out var after)
            && after.Snapshot.State?.Text == KnownResourceStates.FailedToStart
            ? CommandResults.Failure("the trainer can't be started: its log says why")
            : CommandResults.Success("the training has started; the trainer's log says how it goes");
    }

    private static string[] Arguments(InteractionInputCollection given)
    {
        string[] recipe = given["recipe"].Value is { Length: > 0 } name ? ["--recipe", name] : [];
        string[] epochs = Epochs(given["epochs"]) is { Length: > 0 } count ? ["--set", $"training.epochs={count}"] : [];
        return [.. recipe, .. epochs];
    }

    // Empty: none given. Null: not a number of epochs.
    private static string? Epochs(InteractionInput input) =>
        string.IsNullOrWhiteSpace(input.Value) ? ""
        : int.TryParse(input.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var epochs) && epochs > 0 ? $"{epochs}"
        : null;

    private static bool HasEnded(CustomResourceSnapshot trainer) => KnownResourceStates.TerminalStates.Contains(trainer.State?.Text);
}
