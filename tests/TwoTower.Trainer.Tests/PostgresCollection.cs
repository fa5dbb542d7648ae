using TwoTower.Testing;

namespace TwoTower.Trainer.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
