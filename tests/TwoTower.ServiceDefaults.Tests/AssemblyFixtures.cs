using TwoTower.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
