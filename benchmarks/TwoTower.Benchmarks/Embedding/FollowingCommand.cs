using System.CommandLine;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Schema;

namespace TwoTower.Benchmarks.Embedding;

/// <summary><c>following --videos 20000 --changes 1000</c>: from the commit of changed videos to their vectors, in a database of its
/// own.</summary>
internal static class FollowingCommand
{
    public static Command Create()
    {
        var videos = new Option<int>("--videos") { Description = "Videos in the catalogue", DefaultValueFactory = _ => 20_000 };
        var changes = new Option<int>("--changes") { Description = "Videos changed by one statement", DefaultValueFactory = _ => 1000 };
        var releases = new Option<int>("--releases") { Description = "Releases that have vectors", DefaultValueFactory = _ => 2 };
        var replicas = new Option<int>("--replicas") { Description = "Embedders", DefaultValueFactory = _ => 1 };
        var rounds = new Option<int>("--rounds") { Description = "Measurements", DefaultValueFactory = _ => 5 };
        var database = new Option<string?>("--database") { Description = "Connection string of a server; default: one that is provided" };
        var command = new Command("following", "Follow changed videos: time from their commit to their vectors") { videos, changes, releases, replicas, rounds, database };
        command.SetAction(async (parse, ct) =>
        {
            var server = parse.GetValue(database) ?? (await LocalPostgresServer.ProvideAsync(
                new() { Home = Path.Combine(Path.GetTempPath(), "twotower-benchmarks") }, Console.Error.WriteLine, ct)).ConnectionString;
            await using var scratch = await ScratchDatabase.CreateAsync(server, ct);
            await Migrator.MigrateAsync(scratch.DataSource, null, ct);
            await new FollowingBenchmark(scratch.DataSource, parse.GetValue(videos), parse.GetValue(changes), parse.GetValue(releases))
                .RunAsync(parse.GetValue(replicas), parse.GetValue(rounds), ct);
            return 0;
        });
        return command;
    }
}
