using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
