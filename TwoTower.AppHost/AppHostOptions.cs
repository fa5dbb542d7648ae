using System.Net;
using System.Net.Sockets;
using TwoTower.Core;
using TwoTower.Core.Configuration;

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

    /// <summary>The arguments that a deployment has as well.</summary>
    public static readonly string[] Shared = ["database", "device", "recipe", "every", "replicas", "trainer-image"];

    /// <summary>`--database container|local|connection-string`. Null: what <see cref="TwoTower.AppHost.Database.ChooseAsync"/> finds.</summary>
    public DatabaseChoice? Database { get; init; }

    /// <summary>`--device auto|cpu|cuda` for the trainer; cuda also asks the platform for a GPU.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>`--recipe`: what to train by, a built-in recipe or the full path of one. Null: the trainer's own default.</summary>
    public string? Recipe { get; init; }

    /// <summary>`--every 6h`: train again after this long. Null: once.</summary>
    public string? Every { get; init; }

    /// <summary>`--replicas`: copies of the API. Two by default, so that nobody builds on state in one process.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>`--port`: where the API answers in a run. 0: any free port.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>`--demo-data true|false`: generate the demo catalogue when the database is empty (runs only).</summary>
    public bool DemoData { get; init; } = true;

    /// <summary>`--trainer-image`: run the trainer from this image, for a CUDA build. Null: the project.</summary>
    public string? TrainerImage { get; init; }

    /// <summary>Reads the arguments of a run.</summary>
    /// <exception cref="InputException">An argument that nobody reads, or a value that isn't one of the choices.</exception>
    public static AppHostOptions Read(string[] args) => Read(new Arguments(args, [.. Shared, "port", "demo-data"]));

    /// <summary>Takes its part of arguments that are read already.</summary>
    /// <exception cref="InputException">A value that isn't one of the choices.</exception>
    public static AppHostOptions Read(Arguments given)
    {
        var options = new AppHostOptions
        {
            Database = given.Choice<DatabaseChoice>("database"),
            Device = given.OneOf("device", "auto", "cpu", "cuda") ?? "auto",
            Recipe = FullRecipe(given["recipe"]),
            Every = given["every"],
            Replicas = given.Number("replicas", 1, 1_000) ?? 2,
            Port = given.Number("port", 0, 65_535) ?? DefaultPort,
            DemoData = given.OneOf("demo-data", "true", "false") != "false",
            TrainerImage = given["trainer-image"],
        };
        if (options is { TrainerImage: not null, Database: DatabaseChoice.Local })
        {
            throw new InputException("--trainer-image with --database local: a container doesn't reach a PostgreSQL on this machine's 127.0.0.1; choose container or connection-string");
        }

        return options;
    }

    /// <summary>Looks before anything starts that the addresses of a run are free.</summary>
    /// <param name="dashboard">The dashboard's addresses, as ASPNETCORE_URLS has them.</param>
    /// <exception cref="InputException">A port can't be had; the message says why and what helps.</exception>
    public void CheckRun(string? dashboard)
    {
        if (Port != 0)
        {
            Try(Port, "stop what has it (another run, ./twotower demo), or choose another with --port (0: any free one)");
        }

        foreach (var address in (dashboard ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Port > 0)
            {
                Try(url.Port, "it is the dashboard's: stop the other run, or set ASPNETCORE_URLS to another address and start with --no-launch-profile");
            }
        }
    }

    private static void Try(int port, string remedy)
    {
        try
        {
            foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
            {
                using var listener = new TcpListener(address, port);
                listener.Start();
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new InputException($"port {port} on this machine is in use: {remedy}");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new InputException($"port {port} can't be listened on ({e.Message}): {remedy}");
        }
        catch (SocketException)
        {
            // This machine has no IPv6, or no such address: not for us to say.
        }
    }

    // Found out now, not by a trainer that starts minutes later in another folder.
    private static string? FullRecipe(string? recipe)
    {
        if (recipe is null || RecipeReader.BuiltInNames.Contains(recipe))
        {
            return recipe;
        }

        var path = Path.GetFullPath(recipe);
        return File.Exists(path) ? path
            : throw new InputException($"--recipe '{recipe}': there is no such file, and no recipe of that name; there are {string.Join(", ", RecipeReader.BuiltInNames)}");
    }
}
