using System.CommandLine;
using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Benchmarks.Serving;

/// <summary><c>serving --videos 200000 --clients 1,16</c>: requests over real HTTP by stage, next to the bare SQL of their
/// search.</summary>
internal static class ServingCommand
{
    public static Command Create()
    {
        var videos = new Option<int>("--videos") { Description = "Videos in the catalogue", DefaultValueFactory = _ => 200_000 };
        var users = new Option<int>("--users") { Description = "Users with a history", DefaultValueFactory = _ => 2_000 };
        var clients = new Option<string>("--clients") { Description = "Clients at once, a run each", DefaultValueFactory = _ => "1,16" };
        var requests = new Option<int>("--requests") { Description = "Requests a run", DefaultValueFactory = _ => 3_000 };
        var database = new Option<string?>("--database") { Description = "Connection string of a server; default: one that is provided" };
        var command = new Command("serving", "Recommendation requests: p50 and p99 by stage") { videos, users, clients, requests, database };
        command.SetAction(async (parse, ct) =>
        {
            var server = parse.GetValue(database) ?? (await LocalPostgresServer.ProvideAsync(
                new() { Home = Path.Combine(Path.GetTempPath(), "twotower-benchmarks") }, Console.Error.WriteLine, ct)).ConnectionString;
            await using var scratch = await ScratchDatabase.CreateAsync(server, ct);
            await Migrator.MigrateAsync(scratch.DataSource, null, ct);
            var world = await ServingWorld.CreateAsync(scratch.DataSource, parse.GetValue(videos), parse.GetValue(users), ct);
            var runs =
                parse.GetValue(clients)!.Split(',').Select(count => int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
            var name = new NpgsqlConnectionStringBuilder(scratch.DataSource.ConnectionString).Database;
            var connectionString =
                new NpgsqlConnectionStringBuilder(DataSources.Normalize(server).ConnectionString) { Database = name }.ConnectionString;
            await new ServingBenchmark(scratch.DataSource, connectionString, world, parse.GetValue(requests)).RunAsync([.. runs], ct);
            return 0;
        });
        return command;
    }
}
