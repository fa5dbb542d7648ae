using TwoTower.Testing;

namespace TwoTower.Core.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
