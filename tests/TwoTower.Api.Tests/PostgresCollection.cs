using TwoTower.Testing;

namespace TwoTower.Api.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
