using TwoTower.Testing;

namespace TwoTower.Web.Tests;

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
