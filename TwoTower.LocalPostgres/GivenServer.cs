using System.Net.Sockets;
using Npgsql;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres;

/// <summary>The server of a given connection string: used as it is, or refused with the reason and the remedy.</summary>
internal static class GivenServer
{
    public static async Task<ProvidedPostgres> CheckAsync(string connectionString, string name, CancellationToken ct)
    {
        var builder = Parse(connectionString, name);
        var place = $"{builder.Host}:{builder.Port}, database {builder.Database ?? builder.Username}";
        ServerFacts facts;
        try
        {
            facts = await ServerProbe.ReadAsync(connectionString, ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            throw new LocalPostgresException($"{name}: there is no database at {place}: create it (createdb {builder.Database}) or name another");
        }
        catch (PostgresException e)
        {
            throw new LocalPostgresException($"{name}: the server at {place} refused the user {builder.Username}: {e.MessageText}");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or SocketException)
        {
            var reason = (e.InnerException ?? e).Message;
            throw new LocalPostgresException(
                $"{name}: no PostgreSQL answers at {place} ({reason}): start it, correct the connection string, or leave {name} out " +
                "and let twotower set up a server of its own");
        }

        if (facts.Server.Major < ServerProbe.OldestMajor)
        {
            throw new LocalPostgresException(
                $"{name}: the server at {place} is PostgreSQL {facts.Server}, and twotower needs {ServerProbe.OldestMajor} or later");
        }

        if (facts.PgVector is null)
        {
            throw new LocalPostgresException(
                $"{name}: the server at {place} (PostgreSQL {facts.Server}) has no pgvector: install it on the server's machine " +
                $"(Debian 13, Ubuntu: apt install postgresql-{facts.Server.Major}-pgvector; Homebrew: brew install pgvector; " +
                "Docker: the image pgvector/pgvector)");
        }

        return new ProvidedPostgres(
            connectionString, $"PostgreSQL {facts.Server} at {builder.Host}:{builder.Port} ({name})", Reused: true, facts.Server, facts.PgVector);
    }

    private static NpgsqlConnectionStringBuilder Parse(string connectionString, string name)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            // A string of another shape, read as this one, ends up in the host with its password.
            if (!string.IsNullOrEmpty(builder.Host) && !builder.Host.AsSpan().ContainsAny(" =@"))
            {
                return builder;
            }
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The parser's message may repeat a part of the string, and that part may be the password.
        }

        throw new LocalPostgresException(
            $"{name} isn't a connection string that Npgsql reads: write Host=…;Port=5432;Database=…;Username=…;Password=… (not a postgres:// address)");
    }
}
