using System.Globalization;
using Microsoft.Extensions.Configuration;
using TwoTower.Core;

namespace TwoTower.AppHost;

/// <summary>Where the database is.</summary>
internal enum DatabaseChoice
{
    /// <summary>A container with pgvector and a data volume.</summary>
    Container,

    /// <summary>The machine's own PostgreSQL, as <c>./twotower demo</c> finds or sets it up.</summary>
    Local,

    /// <summary>The connection string <c>ConnectionStrings:twotower</c>.</summary>
    ConnectionString,
}

/// <summary>What `publish` writes for.</summary>
internal enum PublishTarget
{
    /// <summary>Docker Compose.</summary>
    Compose,

    /// <summary>Kubernetes, as a Helm chart.</summary>
    Kubernetes,

    /// <summary>Azure Container Apps, through the manifest that azd reads.</summary>
    Azure,
}

/// <summary>
/// The choices of one start or one publish, from the command line. Read from the arguments alone and not from the whole
/// configuration: a variable named DATABASE or TARGET in somebody's shell must not decide where the data goes.
/// </summary>
internal sealed record AppHostOptions
{
    /// <summary>`--database container|local|connection-string`. Runs default to a container, publishing to a connection string:
    /// a deployment's database outlives its containers and is usually a managed one.</summary>
    public required DatabaseChoice Database { get; init; }

    /// <summary>`--target compose|kubernetes|azure`; azure for the manifest (azd reads nothing else), else compose.</summary>
    public required PublishTarget Target { get; init; }

    /// <summary>`--device auto|cpu|cuda` for the trainer; cuda also asks the platform for a GPU.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>`--recipe`: what to train by. Null: the trainer's own default.</summary>
    public string? Recipe { get; init; }

    /// <summary>`--every 6h`: train again after this long. Null: once.</summary>
    public string? Every { get; init; }

    /// <summary>`--schedule`: cron expression (UTC) of the training job where the platform has a scheduler.</summary>
    public string Schedule { get; init; } = "0 3 * * *";

    /// <summary>`--replicas`: copies of the API. Two by default, so that nobody builds on state in one process.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>`--demo-data true|false`: generate the demo catalogue when the database is empty (runs only).</summary>
    public bool DemoData { get; init; } = true;

    /// <summary>`--trainer-image`: run the trainer from this image, for a CUDA build with the GPU passed in. Null: the project.</summary>
    public string? TrainerImage { get; init; }

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="InputException">A value that isn't one of the choices.</exception>
    public static AppHostOptions Read(string[] args, bool publishing)
    {
        var given = new ConfigurationBuilder().AddCommandLine(args).Build();
        var manifest = string.Equals(given["publisher"], "manifest", StringComparison.OrdinalIgnoreCase);
        var database = Choice(given, "database", publishing ? DatabaseChoice.ConnectionString : DatabaseChoice.Container);
        if (publishing && database == DatabaseChoice.Local)
        {
            throw new InputException("--database local: a deployment can't use this machine's PostgreSQL; choose connection-string or container");
        }

        return new AppHostOptions
        {
            Database = database,
            Target = Choice(given, "target", manifest ? PublishTarget.Azure : PublishTarget.Compose),
            Device = given["device"] switch
            {
                null => "auto",
                "auto" or "cpu" or "cuda" => given["device"]!,
                var other => throw Unknown("device", other, "auto, cpu, cuda"),
            },
            Recipe = given["recipe"],
            Every = given["every"],
            Schedule = given["schedule"] ?? "0 3 * * *",
            Replicas = given["replicas"] is not { } replicas ? 2
                : int.TryParse(replicas, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 ? count
                : throw Unknown("replicas", replicas, "a whole number from 1"),
            DemoData = given["demo-data"] switch
            {
                null or "true" => true,
                "false" => false,
                var other => throw Unknown("demo-data", other, "true, false"),
            },
            TrainerImage = given["trainer-image"],
        };
    }

    private static T Choice<T>(IConfiguration given, string name, T otherwise) where T : struct, Enum
    {
        if (given[name] is not { } value)
        {
            return otherwise;
        }

        foreach (var choice in Enum.GetValues<T>())
        {
            if (Spelling(choice) == value)
            {
                return choice;
            }
        }

        throw Unknown(name, value, string.Join(", ", Enum.GetValues<T>().Select(Spelling)));
    }

    // ConnectionString is spelt connection-string.
    private static string Spelling<T>(T choice) where T : struct, Enum =>
        string.Concat(choice.ToString().Select((c, i) => (i > 0 && char.IsUpper(c) ? "-" : "") + char.ToLowerInvariant(c)));

    private static InputException Unknown(string name, string value, string choices) => new($"--{name} '{value}': choose one of {choices}");
}
