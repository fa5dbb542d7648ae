using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>The commands of docs/data.md that bring one's own data, run as they stand there.</summary>
public sealed class DataPageTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task The_ten_minutes_of_docs_data_do_what_they_say()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page is written for a POSIX shell");
        var page = await File.ReadAllTextAsync(Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "data.md"),
            TestContext.Current.CancellationToken);
        var section = page.Split("\n## ").Single(text => text.StartsWith("Your own data in ten minutes", StringComparison.Ordinal));
        var commands = string.Concat(section.Split("```sh\n").Skip(1)
            .Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]));
        var program = $"twotower() {{ dotnet '{Path.Combine(AppContext.BaseDirectory, "twotower.dll")}' \"$@\"; }}\nset -e\n";
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _workplace.Home
        };
        start.Environment["TWOTOWER_DATABASE"] = _workplace.Database.ConnectionString;
        start.Environment["TWOTOWER_HOME"] = _workplace.Home;

        using var bash = Process.Start(start)!;
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await bash.StandardInput.WriteAsync(program + commands);
        bash.StandardInput.Close();
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(bash.ExitCode == 0, $"{await output}\n{await errors}");
        Assert.Contains("decisions: 3 (2 likes, 1 nopes), from 2025-01-05 to 2025-01-07", await output);
        Assert.Equal(5, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));
        Assert.Equal(["10 Heat", "11 Ronin", "b1 Dune", "b2 Emma"],
            await _workplace.Database.ListAsync<string>("select external_id || ' ' || title from videos order by 1"));
        Assert.Equal(["classic", "science fiction"],
            await _workplace.Database.ListAsync<string>("select distinct tag_name from video_tags order by 1"));
    }

    [Fact]
    public async Task Check_tells_what_an_import_would_refuse_and_writes_nothing()
    {
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, _workplace.PathOf(Path.GetFileName(file)));
        var good = await _workplace.TryAsync("check", _workplace.Home, "--json");
        Assert.Equal(0, good.ExitCode);
        Assert.Contains("\"decisions\": 1644", good.Out);

        await File.AppendAllTextAsync(_workplace.PathOf("user_video_decisions.csv"), "x,y,love,never\nx,y\n",
            TestContext.Current.CancellationToken);
        var bad = await _workplace.TryAsync("check", _workplace.Home);
        Assert.Equal(2, bad.ExitCode);
        Assert.Contains("2 bad rows would make an import fail", Assert.Single(bad.ErrorLines));
        Assert.Contains("bad row: user_video_decisions.csv, line 1646: column 'decision_type' has 'love'", bad.Out);
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select count(*) from videos"));

        var refused = await _workplace.TryAsync("import", _workplace.Home);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("line 1646", refused.Err);
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>(
            "select (select count(*) from profiles) + (select count(*) from videos)"));

        // In a folder of its own: other tests write files of that name.
        await using var import = TwotowerProcess.Start(
            ["import", _workplace.Home, "--skip-bad", "2"], _workplace.Environment.ToDictionary(), _workplace.Home);
        var skipped = await import.ExitAsync();
        Assert.True(skipped.ExitCode == 0, skipped.Err);
        var list = _workplace.PathOf("import-bad-rows.txt");
        Assert.Contains($"bad rows: {list}", skipped.Out);
        var left = await File.ReadAllLinesAsync(list, TestContext.Current.CancellationToken);
        Assert.Equal(2, left.Length);
        Assert.StartsWith("user_video_decisions.csv, line 1646: column 'decision_type' has 'love' where like or nope was expected", left[0]);
        Assert.StartsWith("user_video_decisions.csv, line 1647: 2 fields where the header has", left[1]);
        Assert.Equal(1644, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Theory]
    [InlineData("tags", "x1", 2)]
    [InlineData("performers", "語", 0)]
    public async Task Check_refuses_names_that_no_key_holds_as_an_import_does(string kind, string name, int fits)
    {
        // Of a map's files, which have no table of names; letters in no order compress badly.
        var random = new Random(1);
        string Name(int bytes) => name + string.Concat(Enumerable.Range(0, bytes / 3).Select(_ => (char)random.Next(0x4E00, 0x9FA0)));
        await File.WriteAllTextAsync(_workplace.PathOf("map.json"), $$$"""
            {"interactions": {"file": "i.csv", "user": "user", "item": "item"}, "items": {"file": "items.csv", "id": "id", "{{{kind}}}": "names"}}
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_workplace.PathOf("i.csv"), "user,item\n1,7\n", TestContext.Current.CancellationToken);
        string[] files = ["--map", _workplace.PathOf("map.json"), _workplace.Home];

        await File.WriteAllTextAsync(_workplace.PathOf("items.csv"), $"id,names\n7,{Name(2_595 + fits)}|short\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await _workplace.TryAsync(["check", .. files])).ExitCode);
        await _workplace.RunAsync(["import", .. files]);

        await File.WriteAllTextAsync(_workplace.PathOf("items.csv"), $"id,names\n7,short|{Name(6_000)}|{Name(6_000)}\n", TestContext.Current.CancellationToken);
        var check = await _workplace.TryAsync(["check", .. files]);
        Assert.Equal(2, check.ExitCode);
        var line = Assert.Single(check.ErrorLines);
        Assert.Contains("2 names of tags and performers are longer than 2,600 bytes", line);
        Assert.Contains($"(the first: '{name}", line);
        Assert.Contains("of video 7). Shorten them.", line);
        Assert.Equal(2, (await _workplace.TryAsync(["import", .. files])).ExitCode);
    }

    [Fact]
    public async Task Doctor_tells_values_that_nothing_reads_and_tables_that_cannot_be_used()
    {
        await _workplace.Database.ExecuteAsync("insert into videos (id, price) values ('00000000-0000-0000-0000-0000000000f1', 'NaN')");
        Assert.Contains("has NaN", (await _workplace.TryAsync("doctor", "--json")).Out);

        await using var theirs = await postgres.CreateEmptyDatabaseAsync();
        await theirs.ExecuteAsync("create table videos (id bigint primary key, title text)");
        _workplace.Environment["TWOTOWER_DATABASE"] = theirs.ConnectionString;
        var doctor = await _workplace.TryAsync("doctor", "--json");
        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("a column id of type bigint", doctor.Out);
        Assert.Contains("create view two_tower.user_video_decisions as select <user_id> as user_id, <video_id> as video_id", doctor.Out);
        Assert.Contains("twotower import postgres", doctor.Out);
        Assert.Equal(2, (await _workplace.TryAsync("db", "migrate")).ExitCode);
    }

    [Fact]
    public async Task Decisions_ahead_of_now_are_told_by_an_evaluation_of_files()
    {
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, _workplace.PathOf(Path.GetFileName(file)));
        var rows = await File.ReadAllLinesAsync(_workplace.PathOf("user_video_decisions.csv"), TestContext.Current.CancellationToken);
        var last = rows[^1].Split(',');
        await File.AppendAllTextAsync(
            _workplace.PathOf("user_video_decisions.csv"), $"{last[0]},{last[1]},nope,2999-01-01T00:00:00Z\n",
            TestContext.Current.CancellationToken);
        string[] evaluate = ["evaluate", "--baseline", "popularity", "--json", "--data"];
        Assert.Contains("decisions are dated after now", (await _workplace.TryAsync("evaluate", "--data", _workplace.Home, "--baseline", "popularity")).Out);

        // As from a database: no number of the evaluation, and no feature, knows of it.
        var with = await _workplace.JsonAsync([.. evaluate, _workplace.Home]);
        var without = await _workplace.JsonAsync([.. evaluate, Golden.Folder]);
        Assert.Equal(Metrics(without), Metrics(with));
        var features = _workplace.PathOf("features.json");
        await _workplace.RunAsync("features", "--data", _workplace.Home, "--out", features);
        var written = await File.ReadAllBytesAsync(features, TestContext.Current.CancellationToken);
        using var document = System.Text.Json.JsonDocument.Parse(written);
        Assert.True(document.RootElement.GetProperty("as_of").GetDateTimeOffset() < DateTimeOffset.UtcNow);

        static string Metrics(System.Text.Json.JsonElement report) => System.Text.RegularExpressions.Regex.Replace(
            report.GetProperty("contenders").GetRawText(), "\"[a-z_]*seconds[a-z_]*\": *[0-9.e-]+", "");
    }

    [Fact]
    public async Task Who_may_only_read_fails_before_the_training()
    {
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, _workplace.PathOf(Path.GetFileName(file)));
        await _workplace.RunAsync("import", _workplace.Home);
        var role = $"reader_{Guid.NewGuid():N}";
        await _workplace.Database.ExecuteAsync($"create role {role} login password 'only-reads'; grant pg_read_all_data to {role}");
        try
        {
            var settings = new Npgsql.NpgsqlConnectionStringBuilder(_workplace.Database.ConnectionString)
            {
                Username = role,
                Password = "only-reads",
                Pooling = false
            };
            var result = await TwotowerProcess.RunAsync(
                new Dictionary<string, string?> { ["TWOTOWER_DATABASE"] = settings.ConnectionString, ["TWOTOWER_HOME"] = _workplace.Home },
                    "train", "--epochs", "1");
            Assert.Equal(2, result.ExitCode);
            Assert.Contains($"User '{role}' may not register a release", Assert.Single(result.ErrorLines));
            Assert.DoesNotContain("samples", result.Out);
        }
        finally
        {
            await _workplace.Database.ExecuteAsync($"revoke pg_read_all_data from {role}; drop role {role}");
        }
    }
}
