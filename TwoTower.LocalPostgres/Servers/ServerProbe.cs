using System.Net.Sockets;
using Npgsql;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Servers;

/// <summary>What a server says of itself.</summary>
/// <param name="Server">PostgreSQL's version.</param>
/// <param name="PgVector">The installed pgvector, else the one that would be installed; null where there is none.</param>
internal sealed record ServerFacts(Version Server, Version? PgVector);

/// <summary>Looks at a server through a connection: version, database, pgvector.</summary>
internal static class ServerProbe
{
    /// <summary>The oldest PostgreSQL that the SQL is tested on.</summary>
    public const int OldestMajor = 15;

    /// <summary>The connection string of a server of our own.</summary>
    public static string Own(int port, string password, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port,
        Username = "twotower",
        Password = password,
        Database = database,
        // Loopback needs neither, and trying Kerberos prints a complaint where its library isn't installed.
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    /// <summary>Whether our own server answers with our password; another server on that port doesn't know it.</summary>
    public static async Task<bool> AnswersAsync(int port, string password, CancellationToken ct)
    {
        try
        {
            await using var connection = await OpenAsync(Own(port, password, "postgres") + ";Timeout=5", ct);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Makes the database where it is absent; the connection string names it.</summary>
    public static async Task EnsureDatabaseAsync(string connectionString, CancellationToken ct)
    {
        var target = new NpgsqlConnectionStringBuilder(connectionString);
        var database = target.Database!;
        target.Database = "postgres";
        await using var connection = await OpenAsync(target.ConnectionString, ct);
        var isThere = await connection.Sql("select exists (select from pg_database where datname = @database)")
            .With("database", database).ScalarAsync<bool>(ct);
        if (isThere)
        {
            return;
        }

        var quoted = "\"" + database.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
        try
        {
            await connection.Sql($"create database {quoted}").ExecuteAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another process made it between the two statements.
        }
    }

    /// <summary>Reads the facts, and proves that pgvector loads and works: a control file alone doesn't.</summary>
    public static async Task<ServerFacts> ReadAsync(string connectionString, CancellationToken ct)
    {
        await using var connection = await OpenAsync(connectionString, ct);
        var server = connection.PostgreSqlVersion;
        var vector = await connection.Sql(
            """
            select coalesce(installed_version, default_version) as version, installed_version is not null as is_installed
            from pg_available_extensions
            where name = 'vector'
            """)
            .FirstOrNullAsync(row => new { Version = row.Get<string>("version"), IsInstalled = row.Get<bool>("is_installed") }, ct);
        if (vector is null)
        {
            return new ServerFacts(server, null);
        }

        if (!vector.IsInstalled && server.Major >= OldestMajor)
        {
            await TryExtensionAsync(connection, ct);
        }

        return new ServerFacts(server, Version.Parse(vector.Version));
    }

    private static async Task TryExtensionAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        try
        {
            // In a schema of its own, so that the operator is found whatever the search path is.
            await connection.Sql(
                """
                create schema two_tower_probe;
                create extension vector schema two_tower_probe;
                select '[1,2]'::two_tower_probe.vector operator(two_tower_probe.<=>) '[2,1]'::two_tower_probe.vector
                """).ExecuteAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateObject
            or PostgresErrorCodes.DuplicateSchema)
        {
            // Another process is creating the extension at this moment: it works.
        }
        catch (PostgresException e)
        {
            throw new LocalPostgresException(
                $"the database {connection.Database} can't create the extension vector ({e.MessageText}): " +
                "let its owner or a superuser run 'create extension vector' in it");
        }

        await transaction.RollbackAsync(ct);
    }

    public static async Task<NpgsqlConnection> OpenAsync(string connectionString, CancellationToken ct)
    {
        // No pool: what provides a server must not keep connections to it.
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(ct);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
