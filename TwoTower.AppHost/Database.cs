using TwoTower.AppHost.Publishing;
using TwoTower.LocalPostgres;

namespace TwoTower.AppHost;

/// <summary>The ways to the database, all with the same outcome: a resource named `twotower` with a connection string.</summary>
internal static class Database
{
    /// <summary>Hands the connection string over as ConnectionStrings__twotower, and as nothing else: by default its parts would go
    /// as well, the password twice, as TWOTOWER_HOST and so on.</summary>
    public static IResourceBuilder<T> WithDatabase<T>(this IResourceBuilder<T> process, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResourceWithEnvironment =>
        process.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString).WithReference(database);

    /// <summary>PostgreSQL with pgvector in a container, its data in a volume that outlives it.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddPostgresContainer(
        this IDistributedApplicationBuilder builder, AppHostOptions options)
    {
        var postgres = builder.AddPostgres("postgres")
            // The same pin as LocalPostgres: below 0.8.4 pgvector can corrupt an HNSW index. Before WithDataVolume, which takes the
            // place of the data from the image's tag.
            .WithImage("pgvector/pgvector", "0.8.6-pg17-bookworm")
            .WithDataVolume("twotower-postgres")
            // Parallel index builds share memory through /dev/shm; a container's 64 MB are not enough.
            .WithContainerRuntimeArgs("--shm-size", "1g")
            .PublishAsDatabase(options)
            // A page to look into the tables with, for when somebody asks for it.
            .WithPgWeb(pgweb => pgweb.WithExplicitStart());

        return postgres.AddDatabase("twotower");
    }

    /// <summary>The machine's own PostgreSQL, for machines without a container engine. It outlives this process;
    /// `./twotower db stop` stops it.</summary>
    /// <exception cref="Core.InputException">No way to a PostgreSQL with pgvector; the message has the remedies.</exception>
    public static async Task<IResourceBuilder<IResourceWithConnectionString>> AddLocalPostgresAsync(this IDistributedApplicationBuilder builder)
    {
        var home = Environment.GetEnvironmentVariable("TWOTOWER_HOME") ?? Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".twotower"));
        var local = await LocalPostgresServer.ProvideAsync(new LocalPostgresOptions { Home = home, AllowContainer = false }, Console.WriteLine);
        builder.Configuration["ConnectionStrings:twotower"] = local.ConnectionString;
        return builder.AddConnectionString("twotower");
    }
}
