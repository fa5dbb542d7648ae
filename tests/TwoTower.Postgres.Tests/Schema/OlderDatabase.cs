using Npgsql;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Schema;

/// <summary>What an older version of this program leaves behind.</summary>
internal static class OlderDatabase
{
    /// <summary>Migrates an empty database as a version did that had the migrations up to <paramref name="last"/> and no note of what it made
    /// (sql/journal.sql): its tables, in one transaction.</summary>
    public static async Task MigrateAsync(TestDatabase db, int last, string vectorSchema = "public")
    {
        await using var connection = await db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(
            connection,
            "create schema two_tower; create table two_tower.migrations (version int primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())");
        foreach (var migration in SqlScript.Migrations.Where(migration => migration.Version <= last))
        {
            await ExecuteAsync(connection, migration.For(vectorSchema));
            await ExecuteAsync(
                connection,
                $"insert into two_tower.migrations (version, name, checksum) values ({migration.Version}, '{migration.Name}', '{migration.Checksum}')");
        }

        await transaction.CommitAsync();
    }

    /// <summary>Takes migrations back, with the tables that they made: the next migration makes them again.</summary>
    public static Task TakeBackAsync(TestDatabase db, params int[] versions) => db.ExecuteAsync($"""
        delete from two_tower.migrations where version in ({string.Join(", ", versions)});
        drop table {string.Join(", ", Tables.Where(table => versions.Contains(table.Version)).Select(table => table.Name))};
        """);

    private static readonly (int Version, string Name)[] Tables =
        [(38, "two_tower.secured_functions"), (39, "two_tower.decision_arrivals")];

    private static Task ExecuteAsync(NpgsqlConnection connection, string sql) => Migrator.ExecuteAsync(connection, sql, default);
}
