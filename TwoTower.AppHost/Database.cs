using TwoTower.LocalPostgres;
using TwoTower.LocalPostgres.Container;

namespace TwoTower.AppHost;

/// <summary>The ways to the database, all with the same outcome: a resource named `twotower` with a connection string.</summary>
internal static class Database
{
    /// <summary>Where the data is when nobody says: in a container where an engine answers, else in this machine's PostgreSQL.</summary>
    /// <param name="say">Gets one line with the choice and its reason.</param>
    public static async Task<DatabaseChoice> ChooseAsync(Action<string> say)
    {
        var (engine, reason) = await LocalPostgresServer.FindContainerEngineAsync();
        say(engine is null
            ? $"database: this machine's PostgreSQL, since {reason} (--database container|local|connection-string chooses)"
            : $"database: a container of {engine} (--database container|local|connection-string chooses)");
        return engine is null ? DatabaseChoice.Local : DatabaseChoice.Container;
    }

    /// <summary>Hands the connection string over as ConnectionStrings__twotower, and as nothing else: by default its parts would go
    /// as well, the password twice, as TWOTOWER_HOST and so on.</summary>
    public static IResourceBuilder<T> WithDatabase<T>(
        this IResourceBuilder<T> process, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResourceWithEnvironment
    {
        process.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString).WithReference(database);

        // Processes inherit the variables of the shell, and twotower's own would win: half of the graph would work on another database.
        return process.ApplicationBuilder.ExecutionContext.IsRunMode ? process.WithEnvironment("TWOTOWER_DATABASE", "") : process;
    }

    /// <summary>PostgreSQL with pgvector in a container, its data in a volume that outlives it.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddPostgresContainer(
        this IDistributedApplicationBuilder builder, IPlatform? platform)
    {
        var postgres = builder.AddPostgres("postgres")
            // Before WithDataVolume, which takes the place of the data from the image's tag.
            .WithImage(ContainerEngine.Repository, ContainerEngine.Tag)
            // In a run a volume for each clone, since two servers on one would ruin it; in a deployment one that keeps its name.
            .WithDataVolume(platform is null ? null : "twotower-postgres")
            // Parallel index builds share memory through /dev/shm; a container's 64 MB are not enough.
            .WithContainerRuntimeArgs("--shm-size", "1g")
            // A page to look into the tables with, for when somebody asks for it.
            .WithPgWeb(pgweb => pgweb.WithExplicitStart());
        platform?.Database(postgres);
        return postgres.AddDatabase("twotower");
    }

    /// <summary>This machine's PostgreSQL, for machines without a container engine.</summary>
    /// <exception cref="Core.InputException">No way to a PostgreSQL with pgvector; the message has the remedies.</exception>
    public static async Task<IResourceBuilder<IResourceWithConnectionString>> AddLocalPostgresAsync(
        this IDistributedApplicationBuilder builder, Action<string> say)
    {
        var home = StateHome(builder);
        var local = await LocalPostgresServer.ProvideAsync(new LocalPostgresOptions { Home = home, AllowContainer = false }, say);
        return builder.AddResource(new LocalPostgresResource("twotower", local))
            .WithIconName("Database")
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = "PostgreSQL",
                State = KnownResourceStates.Running,
                StartTimeStamp = DateTime.UtcNow,
                Properties =
                [
                    new("Server", local.Origin) { IsHighlighted = true },
                    new("pgvector", local.PgVector.ToString()) { IsHighlighted = true },
                    new("State folder", home),
                    new("After the run", "goes on running; './twotower db stop' stops it, and its data stays"),
                ],
            });
    }

    /// <summary>The folder of what this clone keeps between runs, as the script `./twotower` has it.</summary>
    public static string StateHome(IDistributedApplicationBuilder builder) =>
        Environment.GetEnvironmentVariable("TWOTOWER_HOME") is { Length: > 0 } named
            ? Path.GetFullPath(named)
            : Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".twotower"));
}
