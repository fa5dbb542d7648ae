using TwoTower.Testing;

namespace TwoTower.Postgres.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
