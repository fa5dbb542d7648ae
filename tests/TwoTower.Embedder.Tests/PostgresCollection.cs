using TwoTower.Testing;

namespace TwoTower.Embedder.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
