using System.Globalization;
using System.Net;
using System.Net.Sockets;
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

/// <summary>
/// The choices of one start, from the command line. Read from the arguments alone and not from the whole configuration: a variable
/// named DATABASE in somebody's shell must not decide where the data goes.
/// </summary>
internal sealed record AppHostOptions
{
    /// <summary>Where the API answers in a run; the same as <c>./twotower demo</c>'s.</summary>
    public const int DefaultPort = 5080;

    private static readonly string[] Ours =
        ["database", "device", "recipe", "every", "replicas", "trainer-image", "port", "demo-data"];

    // What Aspire and the host read themselves (Aspire's command line adds some of it).
    private static readonly string[] Aspires =
    [
        "operation", "step", "publisher", "output-path", "deploy", "log-level", "include-exception-details", "environment", "contentRoot", "applicationName", "no-cache", "clear-cache",
        "urls", "force", "pipeline",
    ];

    /// <summary>`--database container|local|connection-string`. Null: what <see cref="TwoTower.AppHost.Database.ChooseAsync"/> finds.</summary>
    public DatabaseChoice? Database { get; init; }

    /// <summary>`--device auto|cpu|cuda` for the trainer; cuda also asks the platform for a GPU.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>`--recipe`: what to train by. Null: the trainer's own default.</summary>
    public string? Recipe { get; init; }

    /// <summary>`--every 6h`: train again after this long. Null: once.</summary>
    public string? Every { get; init; }

    /// <summary>`--replicas`: copies of the API. Two by default, so that nobody builds on state in one process.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>`--port`: where the API answers in a run. 0: any free port.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>`--demo-data true|false`: generate the demo catalogue when the database is empty (runs only).</summary>
    public bool DemoData { get; init; } = true;

    /// <summary>`--trainer-image`: run the trainer from this image, for a CUDA build with the GPU passed in. Null: the project.</summary>
    public string? TrainerImage { get; init; }

    /// <summary>Reads the arguments.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="more">Arguments that the caller reads itself.</param>
    /// <exception cref="InputException">An argument that nobody reads, or a value that isn't one of the choices.</exception>
    public static AppHostOptions Read(string[] args, params string[] more)
    {
        var given = new ConfigurationBuilder().AddCommandLine(args).Build();
        foreach (var unknown in given.GetChildren().Where(argument => argument.Value is not null).Select(argument => argument.Key)
            .Where(name => !Ours.Concat(more).Concat(Aspires).Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            throw new InputException($"--{unknown}: there is no such argument; there are --{string.Join(", --", Ours.Concat(more))}");
        }

        return new AppHostOptions
        {
            Database = given["database"] is null ? null : Choice<DatabaseChoice>(given, "database", default),
            Device = given["device"] switch
            {
                null => "auto",
                "auto" or "cpu" or "cuda" => given["device"]!,
                var other => throw Unknown("device", other, "auto, cpu, cuda"),
            },
            Recipe = given["recipe"],
            Every = given["every"],
            Replicas = Number(given, "replicas", 2, 1, 1_000),
            Port = Number(given, "port", DefaultPort, 0, 65_535),
            DemoData = given["demo-data"] switch
            {
                null or "true" => true,
                "false" => false,
                var other => throw Unknown("demo-data", other, "true, false"),
            },
            TrainerImage = given["trainer-image"],
        };
    }

    /// <summary>The value of an argument whose values are an enumeration's, spelt with small letters and dashes.</summary>
    /// <param name="given">The arguments.</param>
    /// <param name="name">The argument.</param>
    /// <param name="otherwise">Its value where it isn't given.</param>
    /// <exception cref="InputException">Another value.</exception>
    public static T Choice<T>(IConfiguration given, string name, T otherwise) where T : struct, Enum
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

    /// <summary>The API's port, which is free; null for any free one.</summary>
    /// <exception cref="InputException">It is in use.</exception>
    public int? FreePort()
    {
        if (Port == 0)
        {
            return null;
        }

        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, Port);
            listener.Start();
            return Port;
        }
        catch (SocketException)
        {
            throw new InputException($"port {Port} on 127.0.0.1 is in use, by another run or ./twotower demo: stop that, or choose another with --port (0: any free one)");
        }
    }

    private static int Number(IConfiguration given, string name, int otherwise, int least, int most) =>
        given[name] is not { } value ? otherwise
        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new InputException($"--{name} '{value}': write a whole number from {least} to {most}");

    // ConnectionString is spelt connection-string.
    private static string Spelling<T>(T choice) where T : struct, Enum =>
        string.Concat(choice.ToString().Select((c, i) => (i > 0 && char.IsUpper(c) ? "-" : "") + char.ToLowerInvariant(c)));

    private static InputException Unknown(string name, string value, string choices) => new($"--{name} '{value}': choose one of {choices}");
}
