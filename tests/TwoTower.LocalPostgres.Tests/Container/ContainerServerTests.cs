using TwoTower.LocalPostgres.Container;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Tests.Container;

public class ContainerServerTests
{
    [Fact]
    public async Task A_client_without_its_engine_is_passed_over_with_the_reason()
    {
        var (engine, reason) = await ContainerEngine.FindAsync(default);
        Assert.SkipWhen(engine is not null, "a container engine answers on this machine");
        Assert.Matches("^(neither docker nor podman is on this machine|(docker|podman) is there but no engine answers it.*)$", reason);

        using var home = new TemporaryFolder();
        List<string> said = [];
        var options = new LocalPostgresOptions
        {
            Home = home.Path,
            Cache = home.Path,
            AllowMachinePrograms = false,
            AllowDownload = false,
        };
        var error = await Assert.ThrowsAsync<LocalPostgresException>(() => LocalPostgresServer.ProvideAsync(options, said.Add));
        Assert.Contains($"containers: {reason}", error.Message);
        Assert.Contains($"not containers: {reason}", said);
    }

    [Fact]
    public async Task A_container_keeps_its_data_over_a_stop_and_over_its_own_removal()
    {
        var (engine, reason) = await ContainerEngine.FindAsync(default);
        Assert.SkipWhen(engine is null, reason ?? "");
        var unavailable = await engine!.PullAsync(static _ => { }, default);
        Assert.SkipWhen(unavailable is not null, unavailable ?? "");
        using var home = new TemporaryFolder();
        var options = new LocalPostgresOptions { Home = home.Path, AllowMachinePrograms = false, AllowDownload = false };
        string? container = null;
        try
        {
            var first = await LocalPostgresServer.ProvideAsync(options, static _ => { });
            container = StateFolder.Of(home.Path).Read()!.Container;
            Assert.True((await LocalPostgresServer.ProvideAsync(options with { Database = "kept" }, static _ => { })).Reused);
            Assert.True(await LocalPostgresServer.StopAsync(options, static _ => { }));
            Assert.Equal(first.ConnectionString, (await LocalPostgresServer.ProvideAsync(options, static _ => { })).ConnectionString);

            await engine.RunAsync(["rm", "--force", container!], default);
            var again = await LocalPostgresServer.ProvideAsync(options, static _ => { });
            await using var connection = await ServerProbe.OpenAsync(again.ConnectionString, default);
            await using var command = new Npgsql.NpgsqlCommand("select count(*) from pg_database where datname = 'kept'", connection);
            Assert.Equal(1L, await command.ExecuteScalarAsync());
        }
        finally
        {
            if (container is not null)
            {
                await engine.RunAsync(["rm", "--force", container], default);
                await engine.RunAsync(["volume", "rm", container], default);
            }
        }
    }
}
