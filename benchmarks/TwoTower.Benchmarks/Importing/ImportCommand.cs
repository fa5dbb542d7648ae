using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using TwoTower.Datasets.Import;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;

namespace TwoTower.Benchmarks.Importing;

/// <summary><c>import --decisions 5000000</c>: a made folder of CSV files into a fresh database, by step, with the peak of
/// memory.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var decisions = new Option<int>("--decisions") { Description = "Decisions in the file", DefaultValueFactory = _ => 5_000_000 };
        var videos = new Option<int>("--videos") { Description = "Videos that they are about", DefaultValueFactory = _ => 20_000 };
        var data = new Option<string?>("--data") { Description = "A folder to import instead of a made one" };
        var database = new Option<string?>("--database") { Description = "Connection string of a server; default: one that is provided" };
        var command = new Command("import", "Rows a second from CSV files into PostgreSQL, by step") { decisions, videos, data, database };
        command.SetAction(async (parse, ct) =>
        {
            var server = parse.GetValue(database) ?? (await LocalPostgresServer.ProvideAsync(
                new() { Home = Path.Combine(Path.GetTempPath(), "twotower-benchmarks") }, Console.Error.WriteLine, ct)).ConnectionString;
            var folder = parse.GetValue(data) ?? Make(parse.GetValue(decisions), parse.GetValue(videos));
            try
            {
                await using var scratch = await ScratchDatabase.CreateAsync(server, ct);
                await Migrator.MigrateAsync(scratch.DataSource, null, ct);
                var table = new StageTable();
                var watch = Stopwatch.StartNew();
                using var set = ImportReader.Open(folder, null, null, null, null);
                var steps = new Steps();
                var result = await new TableWriter(scratch.DataSource).WriteAsync(set.Tables, set.Decisions(), set.Estimate, steps, ct);
                foreach (var (step, time) in steps.Ended(watch.Elapsed)) table.Add(step, result.Given, time);
                table.Add("files → committed", result.Given, watch.Elapsed);
                Console.WriteLine(table);
                return 0;
            }
            finally
            {
                if (parse.GetValue(data) is null) Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    // Popular videos are decided on more often; times rise, as in a table that grew.
    private static string Make(int decisions, int videos)
    {
        var folder = Directory.CreateTempSubdirectory("twotower-import-").FullName;
        var random = new Random(7);
        var users = Enumerable.Range(0, Math.Max(50, decisions / 50)).Select(_ => NewId(random)).ToArray();
        var catalogue = Enumerable.Range(0, videos).Select(_ => NewId(random)).ToArray();
        File.WriteAllLines(Path.Combine(folder, "profiles.csv"), users.Select(id => $"{id}").Prepend("user_id"));
        File.WriteAllLines(Path.Combine(folder, "videos.csv"), catalogue.Select((id, at) => $"{id},video {at}").Prepend("id,title"));
        using var file = new StreamWriter(Path.Combine(folder, "user_video_decisions.csv"));
        file.WriteLine("user_id,video_id,decision_type,created_at");
        var begin = new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        for (var n = 0; n < decisions; n++)
        {
            var video = catalogue[(int)(videos * Math.Pow(random.NextDouble(), 2))];
            file.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{users[random.Next(users.Length)]},{video},{(random.NextDouble() < 0.6 ? "like" : "nope")},{begin.AddSeconds(n * 6):yyyy-MM-dd'T'HH:mm:ss}.{random.Next(1_000_000):000000}Z"));
        }

        return folder;
    }

    private static Guid NewId(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }

    // When each step began, from the reports of the writer.
    private sealed class Steps : IProgress<WriteProgress>
    {
        private readonly List<(string Step, TimeSpan At)> _begun = [];
        private readonly Stopwatch _watch = Stopwatch.StartNew();

        public void Report(WriteProgress value)
        {
            var step = value.Step ?? "profiles, videos";
            lock (_begun)
            {
                if (_begun.Count == 0 || _begun[^1].Step != step) _begun.Add((step, _watch.Elapsed));
            }
        }

        public IEnumerable<(string Step, TimeSpan Time)> Ended(TimeSpan end)
        {
            lock (_begun) return [.. _begun.Select((step, at) => (step.Step, (at + 1 < _begun.Count ? _begun[at + 1].At : end) - step.At))];
        }
    }
}
