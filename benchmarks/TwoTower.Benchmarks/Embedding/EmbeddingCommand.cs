using System.CommandLine;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;

namespace TwoTower.Benchmarks.Embedding;

/// <summary><c>embedding --videos 200000</c>: embedding and loading a catalogue, rate and time by stage, in a database of its
/// own.</summary>
internal static class EmbeddingCommand
{
    public static Command Create()
    {
        var videos = new Option<int>("--videos") { Description = "Videos in the catalogue", DefaultValueFactory = _ => 200_000 };
        var dim = new Option<int>("--dim") { Description = "Length of an embedding", DefaultValueFactory = _ => 256 };
        var half = new Option<bool>("--halfvec") { Description = "Store halfvec instead of vector" };
        var database = new Option<string?>("--database") { Description = "Connection string of a server; default: one that is provided" };
        var command = new Command("embedding", "Embed and load a catalogue: rate and time by stage") { videos, dim, half, database };
        command.SetAction(async (parse, ct) =>
        {
            var server = parse.GetValue(database) ?? (await LocalPostgresServer.ProvideAsync(
                new() { Home = Path.Combine(Path.GetTempPath(), "twotower-benchmarks") }, Console.Error.WriteLine, ct)).ConnectionString;
            await using var scratch = await ScratchDatabase.CreateAsync(server, ct);
            await Migrator.MigrateAsync(scratch.DataSource, null, ct);
            var type = parse.GetValue(half) ? VectorType.HalfVec : VectorType.Vector;
            await new EmbeddingBenchmark(scratch.DataSource, parse.GetValue(videos), parse.GetValue(dim), type).RunAsync(ct);
            return 0;
        });
        return command;
    }
}
