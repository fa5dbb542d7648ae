using Npgsql;

namespace TwoTower.Testing;

/// <summary>
/// A role of a test, which isn't the database's owner; dropped when disposed, with the rights that it has in the database.
/// </summary>
public sealed class TestRole : IAsyncDisposable
{
    private const string Password = "of a test";
    private readonly TestDatabase _db;

    private TestRole(TestDatabase db, string name)
    {
        (_db, Name) = (db, name);
        var settings = new NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = name, Password = Password, Pooling = false };
        ConnectionString = settings.ConnectionString;
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    public string Name { get; }

    /// <summary>Of the database, as this role.</summary>
    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    internal static async Task<TestRole> CreateAsync(TestDatabase db, Func<string, string>? grants)
    {
        var name = $"twotower_test_{Guid.NewGuid():N}";
        await db.ExecuteAsync($"create role {name} login password '{Password}'; {grants?.Invoke(name)}");
        return new(db, name);
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await _db.ExecuteAsync($"drop owned by {Name}; drop role {Name}");
    }
}
