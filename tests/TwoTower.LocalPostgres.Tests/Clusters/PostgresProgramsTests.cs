using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Tests.Clusters;

public class PostgresProgramsTests
{
    [Fact]
    public void The_version_of_pgvector_is_in_its_control_file()
    {
        Assert.Equal(new Version(0, 8, 7), PostgresPrograms.VersionOf("comment = 'vector data type'\ndefault_version = '0.8.7'\nrelocatable = true\n"));
        Assert.Null(PostgresPrograms.VersionOf("comment = 'something else'\n"));
    }

    [Fact]
    public async Task A_machine_without_PostgreSQL_is_told_so()
    {
        using var folder = new TemporaryFolder();
        var (found, reason) = await PostgresPrograms.OfMachineAsync([folder.Path], default);
        Assert.Empty(found);
        Assert.Equal("no PostgreSQL programs on this machine", reason);
    }

    [Fact]
    public async Task Programs_without_pgvector_are_passed_over_with_the_reason()
    {
        var programs = MachineWithoutPgVector.Find();
        Assert.SkipWhen(programs is null, MachineWithoutPgVector.Missing);
        var (found, reason) = await PostgresPrograms.OfMachineAsync([programs], default);
        Assert.Empty(found);
        Assert.Matches($@"^PostgreSQL \d+ in {programs} has no pgvector$", reason);
    }

    [Fact]
    public async Task Programs_with_pgvector_are_found_by_their_folder()
    {
        await using var home = await TemporaryServer.StartAsync();
        var state = StateFolder.Of(home.Options.Home).Read()!;
        Assert.SkipWhen(state.Programs is null, "the server of this machine is a container");

        var (found, _) = await PostgresPrograms.OfMachineAsync([state.Programs], default);

        Assert.Equal(home.Provided.PgVector, Assert.Single(found).PgVector);
    }
}
