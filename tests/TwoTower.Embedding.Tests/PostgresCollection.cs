using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
