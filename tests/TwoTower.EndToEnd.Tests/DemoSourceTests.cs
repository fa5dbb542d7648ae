using System.Globalization;
using System.IO.Compression;
using System.Text;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Where the demo takes its data and its database from.</summary>
public sealed class DemoSourceTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task Without_a_folder_it_makes_up_2000_viewers_and_5000_videos()
    {
        var demo = await _workplace.JsonAsync("demo", "--epochs", "1", "--exit", "--port", $"{FreePort.Next()}");

        Assert.Equal(3, demo.GetProperty("viewers").GetArrayLength());
        Assert.Equal(
            "2000 5000", await _workplace.Database.ScalarAsync<string>("select format('%s %s', (select count(*) from profiles), (select count(*) from videos))"));
    }

    [Fact]
    public async Task MovieLens_files_do_as_they_are()
    {
        var folder = Directory.CreateDirectory(_workplace.PathOf("ml")).FullName;
        StringBuilder movies = new("movieId,title,genres\n"), ratings = new("userId,movieId,rating,timestamp\n");
        for (var movie = 1; movie <= 60; movie++) movies.Append(CultureInfo.InvariantCulture, $"{movie},Film {movie} ({1980 + movie % 30}),{(movie % 2 == 0 ? "Drama" : "Comedy")}\n");
        for (var user = 1; user <= 20; user++)
        {
            // Even viewers like drama, odd ones comedy.
            for (var n = 1; n <= 20; n++) ratings.Append(
                CultureInfo.InvariantCulture, $"{user},{1 + (user + n * 3) % 60},{((user + n * 3 + 1) % 2 == user % 2 ? "4.5" : "1.0")},{900_000_000 + n * 1000}\n");
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "movies.csv"), movies.ToString());
        await File.WriteAllTextAsync(Path.Combine(folder, "ratings.csv"), ratings.ToString());

        var demo = await _workplace.JsonAsync("demo", "--movielens", folder, "--epochs", "2", "--exit", "--port", $"{FreePort.Next()}");

        Assert.Equal(3, demo.GetProperty("viewers").GetArrayLength());
        Assert.Equal(400, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));

        // The numbers of the files are known ever after.
        var answer = await _workplace.JsonAsync("recommend", "7", "--limit", "5");
        Assert.Equal(("7", "viewer 7"), (answer.GetProperty("given_id").GetString(), answer.GetProperty("display_name").GetString()));
        Assert.All(answer.GetProperty("videos").EnumerateArray(), video => Assert.StartsWith("ml:", video.GetProperty("external_id").GetString()));
        var tables = _workplace.PathOf("tables");
        await _workplace.RunAsync("db", "export", tables);
        foreach (var (file, known) in new[] { ("profiles.csv", "viewer 20,"), ("videos.csv", "ml:60,") })
        {
            var lines = await File.ReadAllLinesAsync(Path.Combine(tables, file), TestContext.Current.CancellationToken);
            Assert.EndsWith(",given_id", lines[0]);
            Assert.EndsWith(known == "ml:60," ? ",60" : ",20", Assert.Single(lines, line => line.Contains(known, StringComparison.Ordinal)));
        }

        var dump = _workplace.PathOf("rankings.csv");
        await _workplace.RunAsync("evaluate", "--movielens", folder, "--baseline", "popularity", "--dump", dump);
        Assert.Equal("viewer,rank,video,score", (await File.ReadAllLinesAsync(dump, TestContext.Current.CancellationToken))[0]);
    }

    [Fact]
    public async Task A_zip_archive_does_too_what_is_odd_is_told_and_an_edited_one_is_other_data()
    {
        var (folder, zip) = (Directory.CreateDirectory(_workplace.PathOf("tables")).FullName, _workplace.PathOf("tables.zip"));
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        string[] demo = ["demo", "--data", zip, "--epochs", "1", "--exit", "--port"];
        await ArchiveAsync("00000000-0000-0000-0000-0000000000a1,00000000-0000-0000-0000-0000000000f1,like,2025-01-01\n");
        var first = await _workplace.RunAsync([.. demo, $"{FreePort.Next()}"]);
        Assert.Contains("2 of 1,645 decisions name a video that isn't in videos.csv", first.Out);
        Assert.Equal(1645, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));

        await ArchiveAsync("00000000-0000-0000-0000-0000000000a2,00000000-0000-0000-0000-0000000000f1,like,2025-01-01\n");
        var edited = await _workplace.TryAsync([.. demo, $"{FreePort.Next()}"]);
        Assert.Equal(2, edited.ExitCode);
        Assert.Contains("holds other data than this demo's", Assert.Single(edited.ErrorLines));

        async Task ArchiveAsync(string row)
        {
            File.Delete(zip);
            await File.AppendAllTextAsync(Path.Combine(folder, "user_video_decisions.csv"), row, TestContext.Current.CancellationToken);
            ZipFile.CreateFromDirectory(folder, zip);
        }
    }

    [Fact]
    public async Task Without_a_database_it_sets_one_up_and_fresh_begins_anew()
    {
        _workplace.Environment["TWOTOWER_DATABASE"] = null;
        Assert.SkipUnless((await _workplace.TryAsync("db", "start")).ExitCode == 0, "this machine has no way to a PostgreSQL with pgvector");
        try
        {
            var first = await _workplace.RunAsync(DemoTests.Demo());
            var fresh = await _workplace.RunAsync([.. DemoTests.Demo(), "--fresh"]);

            Assert.Contains("migrated: ", first.Out);
            Assert.Contains("dropped the database", fresh.Out);
            Assert.Contains("best epoch", fresh.Out);
            Assert.DoesNotContain("reused", fresh.Out);

            // A recipe that was never trained here has nothing to begin anew, and the one of statistics goes the same way.
            var statistics = await _workplace.RunAsync([.. DemoTests.Demo(), "--fresh", "--recipe", "v2"]);
            Assert.Contains("v2-", statistics.Out);
            Assert.Contains("gets now", statistics.Out);

            // While another training writes the checkpoint, it is that one's.
            var checkpoints = Directory.GetFiles(_workplace.PathOf("checkpoints"), "latest.safetensors", SearchOption.AllDirectories);
            Assert.Equal(2, checkpoints.Length);
            var held = checkpoints.Select(path => new FileStream(path + ".lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None)).ToList();
            var refused = await _workplace.TryAsync([.. DemoTests.Demo(), "--fresh", "--recipe", "v2"]);
            held.ForEach(stream => stream.Dispose());
            Assert.Equal(4, refused.ExitCode);
            Assert.Contains("another training runs with the checkpoint", Assert.Single(refused.ErrorLines));
            Assert.All(checkpoints, path => Assert.True(File.Exists(path), $"{path} is gone"));
        }
        finally
        {
            Assert.Contains("stopped", (await _workplace.RunAsync("db", "stop")).Out);
        }
    }
}
