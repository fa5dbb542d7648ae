using TwoTower.Testing;

namespace TwoTower.Evaluation.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
