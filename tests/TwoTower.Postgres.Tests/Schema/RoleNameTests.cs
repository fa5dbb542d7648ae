using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Schema;

/// <summary>Roles that serve, whatever they are called.</summary>
public class RoleNameTests(PostgresFixture postgres)
{
    public static TheoryData<string> Names => ["plain", "my-api", "My Api", "a\"b", "ユーザー", "select "];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_role_that_served_before_serves_on_after_each_migration(string name)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await using var role = await Role.CreateAsync(db, name);
        await OlderDatabase.MigrateAsync(db, last: 13);
        await db.ExecuteAsync($"grant usage on schema two_tower to {role.Quoted}; grant select, insert, update, delete on two_tower.video_statistics, two_tower.serving_counts to {role.Quoted}");

        await Migrator.MigrateAsync(db.DataSource, null, default);
        foreach (var (table, right) in new[] { ("serving_faults", "insert"), ("tag_changes", "delete"), ("user_arrivals", "insert"), ("decision_arrivals", "insert"), ("tag_bits", "insert") })
        {
            Assert.True(
                await db.ScalarAsync<bool>($"select has_table_privilege({role.Literal}, 'two_tower.{table}', '{right}')"), $"{name} may not {right} {table}");
        }

        await db.ExecuteAsync($"select two_tower.grant_serving({role.Literal})");
        await Migrator.MigrateAsync(db.DataSource, null, default);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_role_that_default_privileges_give_everything_to_is_no_obstacle(string name)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await using var role = await Role.CreateAsync(db, name);
        await db.ExecuteAsync($"alter default privileges grant all on tables to {role.Quoted}");
        await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.True(await db.ScalarAsync<bool>($"select has_table_privilege({role.Literal}, 'two_tower.decision_arrivals', 'insert')"));
    }

    // Roles are the whole server's.
    private sealed class Role(TestDatabase db, string name) : IAsyncDisposable
    {
        public string Quoted => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

        public string Literal => $"'{name}'";

        public static async Task<Role> CreateAsync(TestDatabase db, string name)
        {
            var role = new Role(db, name + Guid.NewGuid().ToString("N")[..8]);
            await db.ExecuteAsync($"create role {role.Quoted}");
            return role;
        }

        public async ValueTask DisposeAsync() => await db.ExecuteAsync($"drop owned by {Quoted}; drop role {Quoted}");
    }
}
