using System.Globalization;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>Tells whether a server can be used, and if not, why and what to do.</summary>
internal static class ServerCheck
{
    /// <summary>The oldest PostgreSQL: views with the caller's rights (security_invoker) came with it.</summary>
    public static readonly Version OldestServer = new(15, 0);

    /// <summary>The oldest pgvector: halfvec came with it.</summary>
    public static readonly Version OldestVector = new(0, 7, 0);

    /// <summary>Below it, VACUUM can corrupt an HNSW index.</summary>
    public static readonly Version SafeVector = PgVectorVersions.Safe;

    /// <summary>Reads versions.</summary>
    /// <exception cref="InputException">The server doesn't answer, or refuses the user.</exception>
    public static async Task<ServerInfo> ReadAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);
            return await ReadAsync(connection, ct);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Refuses a server that is too old, or has no usable pgvector.</summary>
    /// <exception cref="InputException">It can't be used.</exception>
    public static void Require(ServerInfo server)
    {
        if (server.Version < OldestServer)
        {
            throw new InputException(
                $"The database server is PostgreSQL {server.Version}; TwoTower needs {OldestServer.Major} or newer. Upgrade it, or name another "
                + "server, or leave the connection string out: twotower then provides one itself.");
        }

        if (server.VectorVersion is null && server.AvailableVectorVersion is null)
        {
            throw new InputException(
                $"PostgreSQL {server.Version} at database '{server.Database}' has no pgvector. Install it on the server "
                + $"(Debian and Ubuntu: apt install postgresql-{server.Version.Major}-pgvector; Homebrew: brew install pgvector; "
                + "Docker: use the image pgvector/pgvector:pg17; hosted: switch the extension 'vector' on), "
                + "or leave the connection string out: twotower then provides a server itself.");
        }

        if ((server.VectorVersion ?? server.AvailableVectorVersion) is { } version && version < OldestVector)
        {
            throw new InputException(
                server.VectorVersion is not null && server.AvailableVectorVersion >= OldestVector
                    ? $"Database '{server.Database}' has pgvector {version}; TwoTower needs {OldestVector} or newer (halfvec), and the server has "
                      + $"{server.AvailableVectorVersion}. Run: alter extension vector update;"
                    : $"PostgreSQL {server.Version} at database '{server.Database}' has pgvector {version}; TwoTower needs {OldestVector} or newer "
                      + "(halfvec). Upgrade the extension on the server.");
        }
    }

    /// <summary>What a person should know of a usable server; none when all is well.</summary>
    public static IReadOnlyList<string> Warnings(ServerInfo server) =>
        server.VectorVersion is { } version && version < SafeVector
            ? [$"pgvector {version} can corrupt an HNSW index in VACUUM; upgrade to {SafeVector} or newer when you can."]
            : [];

    internal static async Task<ServerInfo> ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        return await connection.Sql(
            """
            select current_setting('server_version_num')::int as number, current_database() as database, e.extversion as installed,
                a.default_version as available, quote_ident(n.nspname) as schema
            from (select) as one
            left join pg_extension e on e.extname = 'vector'
            left join pg_namespace n on n.oid = e.extnamespace
            left join pg_available_extensions a on a.name = 'vector'
            """)
            .SingleAsync(row => new ServerInfo(
                new(row.Get<int>("number") / 10_000, row.Get<int>("number") % 10_000),
                row.Get<string>("database"),
                ParseVersion(row.GetOrNull<string>("installed")),
                ParseVersion(row.GetOrNull<string>("available")),
                row.GetOrNull<string>("schema")), ct);
    }

    private static Version? ParseVersion(string? text)
    {
        if (text is null) return null;
        var numbers =
            text.Split('.', '-').Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out var n) ? n : 0).Take(3).ToArray();
        return new(numbers[0], numbers.ElementAtOrDefault(1), numbers.ElementAtOrDefault(2));
    }
}
