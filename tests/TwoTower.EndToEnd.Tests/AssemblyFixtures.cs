using TwoTower.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
// Each test starts programs that use all cores.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
