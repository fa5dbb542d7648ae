using System.Security.Cryptography;
using System.Text;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Training;

/// <summary>
/// Where checkpoints lie unless a place is named: one folder for each database, the same for every process of a user on a machine. A
/// checkpoint is worth keeping between two starts, and never belongs into a working directory, which may be the source tree.
/// </summary>
internal static class CheckpointFolder
{
    /// <summary>The checkpoint's name (contract, section 6).</summary>
    public const string FileName = "latest.safetensors";

    private const string Variable = "TWOTOWER_HOME";

    /// <summary>The folder for trainings with this database.</summary>
    /// <exception cref="InputException">The database doesn't answer.</exception>
    public static async Task<string> OfAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(db);
        var settings = new NpgsqlConnectionStringBuilder(db.ConnectionString);
        var name = settings.Database ?? settings.Username ?? "postgres";
        var server = await IdentityAsync(db, ct) ?? $"{settings.Host}:{settings.Port}";
        return Path.Combine(Home(), Key(server, name));
    }

    private static string Home()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrWhiteSpace(named)) return Path.Combine(Path.GetFullPath(named), "checkpoints");

        // ~/.local/share on Linux, in a container too. A user without a home gets the temporary folder.
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(data.Length > 0 ? data : Path.GetTempPath(), "twotower", "checkpoints");
    }

    // The database's name for people, and a hash of server and database.
    private static string Key(string server, string database)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{server}/{database}")))[..8];
        var readable = string.Concat(database.Take(40).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '_'));
        return $"{readable}-{hash}";
    }

    // The cluster's own number: an address changes with each start of a container. Who may not read it goes by the address.
    private static async Task<string?> IdentityAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        try
        {
            return await db.Sql("select system_identifier::text from pg_control_system()").ScalarAsync<string>(ct);
        }
        catch (PostgresException e) when (DatabaseErrors.FaultOf(e) is DatabaseFault.Denied or DatabaseFault.NotMigrated)
        {
            return null;
        }
        catch (Exception e) when (DatabaseErrors.Explain(e, db) is { } explained)
        {
            throw explained;
        }
    }
}
