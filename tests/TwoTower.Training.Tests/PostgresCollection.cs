using TwoTower.Testing;

namespace TwoTower.Training.Tests;

/// <summary>One server for all tests that need one; they run torch too, so nothing runs beside them.</summary>
[CollectionDefinition("postgres", DisableParallelization = true)]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
