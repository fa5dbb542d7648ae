using System.Reflection;

namespace TwoTower.AppHost;

/// <summary>Commands about releases on the dashboard's rows: each is a verb of `twotower`, and shows what that prints.</summary>
internal static class ReleaseCommands
{
    /// <summary>`Newest release` of the trainer: its state and why.</summary>
    public static void WithNewestReleaseCommand<T>(
        this IResourceBuilder<T> trainer, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResource =>
        trainer.WithTwoTower("newest-release", "Newest release", database, ["releases", "show"], new()
        {
            Description = "Shows the newest release: its state and every change of it, its metrics, and what the gate said.",
            IconName = "BoxSearch",
        });

    /// <summary>`Roll back` of the trainer: serves the release that was active before. Not the API's, whose row stands for several
    /// replicas: the command line runs a command once for each, and a second rollback goes further back.</summary>
    public static void WithRollBackCommand<T>(this IResourceBuilder<T> trainer, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResource =>
        trainer.WithTwoTower("roll-back", "Roll back", database, ["releases", "rollback"], new()
        {
            Description = "Serves the release that was active before.",
            ConfirmationMessage = "Serve the release that was active before? The next request is answered by it.",
            IconName = "ArrowUndo",
        });

    /// <summary>`Re-embed` of the embedder: makes the vectors again of every video whose features aren't what its vector was made
    /// from.</summary>
    public static void WithReEmbedCommand<T>(this IResourceBuilder<T> embedder, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResource =>
        embedder.WithTwoTower("re-embed", "Re-embed", database, ["embed"], new()
        {
            Description = "Compares every video with its vector in the newest release that isn't embedded yet, or else the active one, and makes anew what differs.",
            ConfirmationMessage = "Compare every video with its vector, and make anew what differs?",
            IconName = "ArrowSync",
        });

    private static void WithTwoTower<T>(
        this IResourceBuilder<T> resource, string name, string title, IResourceBuilder<IResourceWithConnectionString> database,
        string[] verb, ProcessCommandOptions options)
        where T : IResource
    {
        var project = new Projects.TwoTower_Cli().ProjectPath;
        var configuration = typeof(ReleaseCommands).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

        // What the verb says at last is the command's message: the result, or one line with the reason.
        options.GetCommandResult = ended =>
        {
            var message = ended.Output.LastOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? $"{name} ended with exit code {ended.ExitCode}";
            return Task.FromResult(ended.ExitCode == 0
                ? CommandResults.Success(message, ended.GetFormattedOutput(), CommandResultFormat.Text, displayImmediately: true)
                : CommandResults.Failure(message, ended.GetFormattedOutput(), CommandResultFormat.Text));
        };
        resource.WithProcessCommand(name, title, async context => new ProcessCommandSpec("dotnet")
        {
            // As the orchestrator starts the processes themselves.
            Arguments = ["run", "--project", project, "--configuration", configuration, "--no-build", "--no-launch-profile", "--", .. verb],
            // In the environment, where other users of the machine can't read it.
            EnvironmentVariables = new Dictionary<string, string>
            {
                ["ConnectionStrings__twotower"] = await database.Resource.GetConnectionStringAsync(context.CancellationToken)
                    ?? throw new InvalidOperationException("the database has no connection string yet"),

                // twotower's own variable would win.
                ["TWOTOWER_DATABASE"] = "",
            },
        }, options);
    }
}
