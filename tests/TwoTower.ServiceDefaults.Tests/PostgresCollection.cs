using TwoTower.Testing;

namespace TwoTower.ServiceDefaults.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
