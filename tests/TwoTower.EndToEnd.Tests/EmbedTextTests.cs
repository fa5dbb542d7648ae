using System.Globalization;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary><c>twotower embed-text</c>: from titles to recommendations.</summary>
public sealed class EmbedTextTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Themes = 4, Known = 8, Users = 120;
    private Workplace _workplace = null!;

    private string Model => _workplace.PathOf("model");

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    // Words 0 to 3 of each theme lie near its axis, each a little to a side of its own.
    private static TestTextModel Words() => new()
    {
        Words = Enumerable.Range(0, 4 * Themes).ToDictionary(
            word => $"word{word}", word => Enumerable.Range(0, 2 * Themes).Select(axis => axis == word / 4 ? 1f : axis == Themes + word % 4 ? 0.3f : 0).ToArray()),
    };

    // Users like the videos of a theme and nope those of the next. The last video of a theme nobody knows, and nothing but its title
    // tells of it.
    private async Task InsertWorldAsync()
    {
        static string Title(int theme, int number) => number == Known ? $"Word{4 * theme} word{4 * theme + 3}!" : $"word{4 * theme + number % 2} Word{4 * theme + 1 + number % 3}";
        await _workplace.RunAsync("db", "migrate");
        await _workplace.Database.ExecuteAsync(
            $"""
            insert into videos (id, external_id, title) values
            {string.Join(",\n", Enumerable.Range(0, Themes * (Known + 1)).Select(n => (Theme: n / (Known + 1), Number: n % (Known + 1))).Select(n =>
                $"(md5('{n.Theme} {n.Number}')::uuid, '{n.Theme} {(n.Number == Known ? "cold" : n.Number.ToString(CultureInfo.InvariantCulture))}', '{Title(n.Theme, n.Number)}')"))};
            insert into profiles (user_id, created_at) select md5('user ' || u)::uuid, '2025-01-01Z' from generate_series(1, {Users}) u;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select md5('user ' || u)::uuid, md5((u + away) % {Themes} || ' ' || n)::uuid, case away when 0 then 'like' else 'nope' end, timestamptz '2025-02-01Z' + n * interval '1 day'
            from generate_series(1, {Users}) u, generate_series(0, {Known - 1}) n, generate_series(0, 1) away
            where (u / {Themes} * 7 + n * 5 + away) % 3 > 0;
            """);
    }

    // In how many of 20 users' answers the unknown video of the user's theme scores above those of other themes.
    private async Task<int> FoundAsync()
    {
        var found = 0;
        var db = _workplace.Database.DataSource;
        using var towers = new TowerCache(new ReleaseStore(db), capacity: 1);
        var service = new RecommendationService(db, towers, Options.Create(new RecommendationOptions()));
        for (var user = 1; user <= 20; user++)
        {
            var id = await _workplace.Database.ScalarAsync<Guid>($"select md5('user {user}')::uuid");
            var answer = await service.RecommendAsync(new(id, 100, false, new VideoFilter()), ct: TestContext.Current.CancellationToken);
            var scores = answer.Videos.Where(video => video.Video.ExternalId!.EndsWith("cold", StringComparison.Ordinal))
                .ToDictionary(video => video.Video.ExternalId![0] - '0', video => video.Score);
            Assert.Equal(Themes, scores.Count);
            if (scores.All(other => other.Key == user % Themes || other.Value < scores[user % Themes])) found++;
        }

        return found;
    }

    private Task<string> ReleaseAsync(params string[] more) => _workplace.ReleaseAsync(
    [
        "--recipe", "v3", "--set", "model.hidden_dims=16", "--set", "model.embedding_dim=16", "--set", "history.factors=10", "--set", "history.taste_factors=5",
        "--set", "history.ridge=20", "--set", "history.content_ridge=1", "--set", "samples.held_out_users=0", "--threads", "1", .. more,
    ]);

    [Fact]
    public async Task A_video_that_nobody_knows_is_found_by_its_title()
    {
        await InsertWorldAsync();
        Words().Write(Model, "onnx/model.onnx");
        await ReleaseAsync();
        Assert.Equal(0, await FoundAsync()); // nothing tells them apart

        var made = await _workplace.JsonAsync("embed-text", "--model", Model, "--threads", "1");
        Assert.Equal((Themes * (Known + 1), 2 * Themes), (made.GetProperty("embedded").GetInt32(), made.GetProperty("dim").GetInt32()));
        await ReleaseAsync("--set", "features.video_features=title");
        Assert.Equal(20, await FoundAsync());

        // A new title is followed once it is embedded.
        await _workplace.Database.ExecuteAsync("update videos set title = 'word4 word7' where external_id = '0 cold'");
        var again = await _workplace.RunAsync("embed-text", "--model", Model);
        Assert.Contains($"title: 1 vectors of {2 * Themes} numbers made, {Themes * (Known + 1) - 1} unchanged, 0 videos without text", again.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_is_stopped_or_killed_is_finished_by_the_next(bool killed)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        Words().Write(Model);
        await _workplace.RunAsync("db", "migrate");
        await _workplace.Database.ExecuteAsync("insert into videos (id, title) select gen_random_uuid(), 'word' || n % 16 from generate_series(1, 600) n");
        await _workplace.RunAsync("embed-text", "--model", Model);

        // All titles change, and somebody else is at a vector of the third chunk of 128: two are written when the run comes to wait.
        await _workplace.Database.ExecuteAsync("update videos set title = title || ' word3'");
        await using var blocker = await _workplace.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand(
            "select from two_tower.video_features where video_id = (select id from videos order by id offset 300 limit 1) for update", blocker))
        {
            await hold.ExecuteNonQueryAsync();
        }

        await using (var run = _workplace.Start("embed-text", "--model", Model))
        {
            await WaitingAsync();
            if (killed) run.Kill();
            else run.Interrupt();
            var result = await run.ExitAsync();
            if (!killed)
            {
                Assert.Equal(130, result.ExitCode);
                Assert.Equal("stopped: the vectors made so far are kept; run the same command to go on", Assert.Single(result.ErrorLines));
            }
        }

        await transaction.RollbackAsync();
        var next = await _workplace.JsonAsync("embed-text", "--model", Model);
        Assert.Equal((600 - 256, 256), (next.GetProperty("embedded").GetInt32(), next.GetProperty("unchanged").GetInt32()));
        Assert.Equal(600, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.text_vectors"));
    }

    [Fact]
    public async Task Bad_input_is_one_line_and_exit_code_2_and_nothing_is_written()
    {
        await _workplace.RunAsync("db", "migrate");
        await _workplace.Database.ExecuteAsync("insert into videos (title) values ('word1')");
        Words().Write(Model);
        var text = _workplace.PathOf("model.txt");
        await File.WriteAllTextAsync(text, "no network");
        foreach (var (args, said) in new (string[] Args, string Said)[]
        {
            (["--model", _workplace.PathOf("nothing")], "there is no such file or folder"),
            (["--model", text, "--tokenizer", Model], "is not a network that ONNX Runtime can load"),
            (["--model", Model, "--pooling", "sentence"], "no float output sentence_embedding"),
            (["--model", Model, "--pooling", "max"], "'max'"),
            (["--model", Model, "--max-tokens", "2"], "2 stand around every text"),
            (["--model", Model, "--name", "a b"], "--name 'a b' is no name of vectors"),
            (["--model", Model, "--columns", "title,nothing"], "public.videos has no column nothing"),
            ([], "--model"),
        })
        {
            var result = await _workplace.TryAsync(["embed-text", .. args]);
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(said, Assert.Single(result.ErrorLines), StringComparison.Ordinal);
        }

        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.video_features"));
    }

    private async Task WaitingAsync()
    {
        const string Waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        for (var attempt = 0; await _workplace.Database.ScalarAsync<long>(Waiting) == 0; attempt++)
        {
            Assert.True(attempt < 600, "twotower never came to wait for the lock");
            await Task.Delay(100);
        }
    }
}
