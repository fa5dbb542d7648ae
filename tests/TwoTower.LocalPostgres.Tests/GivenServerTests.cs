using Npgsql;
using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Tests;

public class GivenServerTests
{
    [Fact]
    public async Task A_given_server_is_used_as_it_is()
    {
        await using var server = await TemporaryServer.StartAsync();
        using var elsewhere = new TemporaryFolder();
        var given = await LocalPostgresServer.ProvideAsync(
            new LocalPostgresOptions { Home = elsewhere.Path, ConnectionString = server.Provided.ConnectionString }, static _ => { });

        Assert.Equal(server.Provided.ConnectionString, given.ConnectionString);
        Assert.Equal(server.Provided.PgVector, given.PgVector);
        Assert.True(given.Reused);
        Assert.Empty(Directory.EnumerateFileSystemEntries(elsewhere.Path));
        await using var connection = await ServerProbe.OpenAsync(given.ConnectionString, default);
        await using var extensions = new NpgsqlCommand("select count(*) from pg_extension where extname = 'vector'", connection);
        Assert.Equal(0L, await extensions.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_wrong_password_and_a_missing_database_are_named_and_the_password_is_not()
    {
        await using var server = await TemporaryServer.StartAsync();
        var wrong = new NpgsqlConnectionStringBuilder(server.Provided.ConnectionString) { Password = "wrong-secret" };
        var refused = await RefusedAsync(wrong.ConnectionString);
        Assert.Contains("refused the user twotower: password authentication failed", refused);
        Assert.DoesNotContain("wrong-secret", refused);

        var absent = new NpgsqlConnectionStringBuilder(server.Provided.ConnectionString) { Database = "absent" };
        Assert.Contains("there is no database at 127.0.0.1:", await RefusedAsync(absent.ConnectionString));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_named_with_its_address()
    {
        var message = await RefusedAsync($"Host=127.0.0.1;Port={Ports.Choose(null, null)};Database=x;Username=me;Password=hidden");
        Assert.Matches(@"^--database: no PostgreSQL answers at 127\.0\.0\.1:\d+, database x \(", message);
        Assert.DoesNotContain("hidden", message);
    }

    [Theory]
    [InlineData("postgres://me:hidden@localhost/x")]
    [InlineData("Hots=localhost;Password=hidden")]
    [InlineData("Host=localhost;Port=many;Password=hidden")]
    [InlineData("Database=x;Password=hidden")]
    public async Task What_is_no_connection_string_is_refused_without_repeating_it(string text)
    {
        var message = await RefusedAsync(text);
        Assert.StartsWith("--database isn't a connection string that Npgsql reads", message);
        Assert.DoesNotContain("hidden", message);
    }

    [Fact]
    public async Task A_server_without_pgvector_is_refused_with_the_remedies()
    {
        var folder = MachineWithoutPgVector.Find();
        Assert.SkipWhen(folder is null, MachineWithoutPgVector.Missing);
        using var home = new TemporaryFolder();
        var state = StateFolder.Of(home.Path);
        state.Create();
        var cluster = new Cluster(state, MachineWithoutPgVector.Programs(folder), (await ServerUser.FindAsync(default))!);
        var port = await cluster.StartAsync(null, null, static _ => { }, default);
        try
        {
            var message = await RefusedAsync(ServerProbe.Own(port, state.Password(), "postgres"));
            Assert.Matches(@"\(PostgreSQL \d+\.\d+\) has no pgvector: install it", message);
            Assert.Contains("postgresql-15-pgvector", message);
        }
        finally
        {
            await cluster.StopAsync(default);
        }
    }

    private static async Task<string> RefusedAsync(string connectionString)
    {
        using var home = new TemporaryFolder();
        var options = new LocalPostgresOptions { Home = home.Path, ConnectionString = connectionString };
        return (await Assert.ThrowsAsync<LocalPostgresException>(() => LocalPostgresServer.ProvideAsync(options, static _ => { }))).Message;
    }
}
