using System.Text.RegularExpressions;
using Npgsql;
using Xunit;

namespace TwoTower.Testing;

/// <summary>What a kind of Supabase project does with tables and functions that are made in schema public.</summary>
/// <param name="Exposes">Grants them to the API roles, as projects did that were made before 30 May 2026.</param>
/// <param name="SecuresTables">Switches row level security on for new tables ("automatic RLS").</param>
public readonly record struct SupabaseProject(bool Exposes, bool SecuresTables)
{
    /// <summary>All kinds.</summary>
    public static IReadOnlyList<SupabaseProject> Kinds { get; } = [new(true, false), new(false, false), new(true, true), new(false, true)];
}

/// <summary>
/// A server of one's own in the shape of Supabase's (tests/supabase/supabase-shape.sql), a database a project. Its roles are the whole
/// server's, so
/// it isn't the one that other tests share. A test class takes it as a class fixture.
/// </summary>
public sealed partial class SupabaseServer : IAsyncLifetime
{
    private const string Password = "postgres";
    private readonly TemporaryFolder _home = new();
    private readonly SemaphoreSlim _one = new(1);
    private PostgresFixture? _server;
    private bool _hasRoles;

    /// <summary>Why there is none; null where it runs.</summary>
    public string? Reason { get; private set; }

    public async ValueTask InitializeAsync()
    {
        try
        {
            _server = await PostgresFixture.OwnAsync(_home.Path);
        }
        catch (Core.InputException error)
        {
            Reason = $"a server of one's own can't be made here: {error.Message}";
            return;
        }

        // It goes with its folder. On a busy disk its last checkpoint would take longer than its stop may.
        await using var server = NpgsqlDataSource.Create(_server.ServerConnectionString);
        foreach (var sql in new[] { "alter system set fsync = off", "select pg_reload_conf()" })
        {
            await using var command = server.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>A new project's database, as its owner sees it: connected as the role postgres, which is no superuser.</summary>
    public async Task<TestDatabase> CreateProjectAsync(SupabaseProject kind)
    {
        var database = await _server!.CreateEmptyDatabaseAsync();
        await _one.WaitAsync();
        try
        {
            if (!_hasRoles) await database.ExecuteAsync("create role supabase_admin superuser");
            await database.ExecuteAsync(Shape(kind, database.Name, withRoles: !_hasRoles));
            _hasRoles = true;
        }
        finally
        {
            _one.Release();
        }

        // There the platform lets a project's owner make extensions.
        await database.ExecuteAsync("create extension vector with schema extensions");
        return new(
            _server, database.Name,
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = "postgres", Password = Password }.ConnectionString);
    }

    /// <summary>How Supabase's command line is told of a project's database.</summary>
    public static string Url(TestDatabase project)
    {
        var connection = new NpgsqlConnectionStringBuilder(project.ConnectionString);
        return $"postgresql://{connection.Username}:{Password}@{connection.Host}:{connection.Port}/{connection.Database}?sslmode=disable";
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _home.Dispose();
        _one.Dispose();
    }

    // The script is for psql, and for a fresh cluster: its variables are filled in, its roles made once.
    private static string Shape(SupabaseProject kind, string database, bool withRoles)
    {
        var lines = new List<string>();
        var skips = false;
        foreach (var line in File.ReadLines(Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "supabase", "supabase-shape.sql")))
        {
            if (line.StartsWith(@"\if :{?", StringComparison.Ordinal) || line.StartsWith(@"\set", StringComparison.Ordinal)) continue;
            if (line == @"\if :expose") skips = !kind.Exposes;
            else if (line == @"\if :autorls") skips = !kind.SecuresTables;
            else if (line == @"\endif") skips = false;
            else if (!skips && (withRoles || !line.StartsWith("create role ", StringComparison.Ordinal))) lines.Add(line);
        }

        var text = string.Join('\n', lines).Replace(":'password'", $"'{Password}'", StringComparison.Ordinal);
        return OwnDatabase().Replace(text, $"database {database}");
    }

    [GeneratedRegex(@"\bdatabase postgres\b")]
    private static partial Regex OwnDatabase();
}

/// <summary>Asking a project's database as PostgREST does: with a role and the claims of a token.</summary>
public static class SupabaseCaller
{
    /// <summary>Runs a statement as a role, in a transaction of its own; the rows of its first column.</summary>
    /// <exception cref="PostgresException">It is refused.</exception>
    public static async Task<IReadOnlyList<object>> AsAsync(this TestDatabase db, string role, Guid? user, string sql)
    {
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var become = new NpgsqlCommand(
            "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", connection)
        {
            Parameters =
            {
                new() { Value = role },
                new() { Value = user is { } id ? $$"""{"sub": "{{id}}", "role": "{{role}}"}""" : $$"""{"role": "{{role}}"}""" },
            },
        })
        {
            await become.ExecuteNonQueryAsync();
        }

        var rows = new List<object>();
        await using (var command = new NpgsqlCommand(sql, connection))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) rows.Add(reader.GetValue(0));
        }

        await transaction.CommitAsync();
        return rows;
    }

    /// <summary>Tells how a statement ends: "ok", or the code of the error.</summary>
    public static async Task<string> TryAsync(this TestDatabase db, string role, Guid? user, string sql)
    {
        try
        {
            await db.AsAsync(role, user, sql);
            return "ok";
        }
        catch (PostgresException error)
        {
            return error.SqlState;
        }
    }
}
