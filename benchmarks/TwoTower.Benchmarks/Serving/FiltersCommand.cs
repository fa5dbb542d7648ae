using System.CommandLine;
using Npgsql;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Schema;

namespace TwoTower.Benchmarks.Serving;

/// <summary><c>filters --videos 50000</c>: requests over real HTTP with banned tags, few and many.</summary>
internal static class FiltersCommand
{
    public static Command Create()
    {
        var videos = new Option<int>("--videos") { Description = "Videos in the catalogue", DefaultValueFactory = _ => 50_000 };
        var users = new Option<int>("--users") { Description = "Users with a history", DefaultValueFactory = _ => 500 };
        var requests = new Option<int>("--requests") { Description = "Requests a case", DefaultValueFactory = _ => 100 };
        var database = new Option<string?>("--database") { Description = "Connection string of a server; default: one that is provided" };
        var command = new Command("filters", "Recommendation requests with banned tags: p50 and p99 by number") { videos, users, requests, database };
        command.SetAction(async (parse, ct) =>
        {
            var server = parse.GetValue(database) ?? (await LocalPostgresServer.ProvideAsync(
                new() { Home = Path.Combine(Path.GetTempPath(), "twotower-benchmarks") }, Console.Error.WriteLine, ct)).ConnectionString;
            await using var scratch = await ScratchDatabase.CreateAsync(server, ct);
            await Migrator.MigrateAsync(scratch.DataSource, null, ct);
            var world = await ServingWorld.CreateAsync(scratch.DataSource, parse.GetValue(videos), parse.GetValue(users), ct);
            var name = new NpgsqlConnectionStringBuilder(scratch.DataSource.ConnectionString).Database;
            var connectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
            await new FiltersBenchmark(scratch.DataSource, connectionString, world, parse.GetValue(requests)).RunAsync(ct);
            return 0;
        });
        return command;
    }
}
