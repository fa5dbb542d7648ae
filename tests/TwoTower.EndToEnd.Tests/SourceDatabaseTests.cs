using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A database of theirs with whole numbers as keys: from the refused migration to a served recommendation, and its ids
/// back.</summary>
public sealed class SourceDatabaseTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;
    private TestDatabase _theirs = null!;

    public async ValueTask InitializeAsync()
    {
        _workplace = await Workplace.CreateAsync(postgres);
        _theirs = await postgres.CreateEmptyDatabaseAsync();
        await _theirs.ExecuteAsync(
            """
            create table profiles (user_id bigint primary key, display_name text);
            create table videos (id bigint primary key, external_id text, title text);
            create table video_tags (video_id bigint, tag_name text);
            create table user_video_decisions (user_id bigint, video_id bigint, decision_type text, created_at timestamptz);
            insert into profiles select u, 'Viewer no. ' || u from generate_series(1, 60) u;
            insert into videos select v, 'sku-' || v, 'Film ' || v from generate_series(1000, 1099) v;
            insert into video_tags select v, case v % 2 when 0 then 'drama' else 'comedy' end from generate_series(1000, 1099) v;
            insert into user_video_decisions
            select u, 1000 + (u * 7 + n * 3) % 100, case when (u * 7 + n * 3) % 2 = u % 2 then 'like' else 'nope' end, '2025-01-01'::timestamptz + u * interval '1 hour' + n * interval '1 day'
            from generate_series(1, 60) u, generate_series(1, 20) n;
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _theirs.DisposeAsync();
        await _workplace.DisposeAsync();
    }

    [Fact]
    public async Task Whole_numbers_as_keys_are_trained_on_served_and_given_back()
    {
        var own = _workplace.Database.ConnectionString;
        _workplace.Environment["TWOTOWER_DATABASE"] = _theirs.ConnectionString;
        var refused = await _workplace.TryAsync("db", "migrate");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("'twotower import postgres' loads these rows", Assert.Single(refused.ErrorLines));
        Assert.Contains("with TWOTOWER_SOURCE naming this database and TWOTOWER_DATABASE that one, twotower db migrate; twotower import postgres", (await _workplace.TryAsync("doctor", "--json")).Out);

        _workplace.Environment["TWOTOWER_DATABASE"] = own;
        var nameless = await _workplace.TryAsync("import", "postgres");
        Assert.Equal(2, nameless.ExitCode);
        Assert.Contains("give --source STRING|FILE, or set TWOTOWER_SOURCE", Assert.Single(nameless.ErrorLines));
        _workplace.Environment["TWOTOWER_SOURCE"] = _theirs.ConnectionString;
        var first = await _workplace.JsonAsync("import", "postgres");
        var second = await _workplace.JsonAsync("import", "postgres");
        Assert.Equal((60, 100, 1200), (first.GetProperty("profiles").GetInt32(), first.GetProperty("videos").GetInt32(), first.GetProperty("decisions_written").GetInt32()));
        Assert.Equal(0, second.GetProperty("decisions_written").GetInt32());

        await _workplace.ReleaseAsync();
        var answer = await _workplace.JsonAsync("recommend", "42", "--limit", "5");
        Assert.Equal(("42", "Viewer no. 42", "two_tower"),
            (answer.GetProperty("given_id").GetString(), answer.GetProperty("display_name").GetString(), answer.GetProperty("strategy").GetString()));
        Assert.All(answer.GetProperty("videos").EnumerateArray(), video => Assert.StartsWith("sku-1", video.GetProperty("external_id").GetString(), StringComparison.Ordinal));

        var user = await _workplace.Database.ScalarAsync<Guid>("select user_id from two_tower.given_user_ids where given_id = '42'");
        await using (var server = await ServerProcess.StartAsync(_workplace))
        {
            var served = await server.GetAsync($"/v1/users/{user}/recommendations?limit=5");
            Assert.Equal(5, served.GetProperty("videos").GetArrayLength());
        }

        var dump = _workplace.PathOf("rankings.csv");
        await _workplace.RunAsync("evaluate", "--baseline", "popularity", "--dump", dump);
        var lines = await File.ReadAllLinesAsync(dump, TestContext.Current.CancellationToken);
        Assert.Equal("viewer,rank,video,score,given_viewer,given_video", lines[0]);
        Assert.All(lines[1..], line =>
        {
            var fields = line.Split(',');
            Assert.Equal((fields[0], fields[2]), (Uuid("user", fields[4]), Uuid("video", fields[5])));
        });
    }

    [Fact]
    public async Task An_export_has_the_ids_that_came_in_and_brings_them_elsewhere()
    {
        await _workplace.RunAsync("import", "postgres", "--source", _theirs.ConnectionString);
        var folder = _workplace.PathOf("tables");
        await _workplace.RunAsync("db", "export", folder);
        var profiles = await File.ReadAllLinesAsync(Path.Combine(folder, "profiles.csv"), TestContext.Current.CancellationToken);
        Assert.Equal("user_id,display_name,created_at,given_id", profiles[0]);
        Assert.Contains(profiles, line => line.StartsWith(Uuid("user", "42"), StringComparison.Ordinal) && line.EndsWith(",42", StringComparison.Ordinal));

        await using var elsewhere = await Workplace.CreateAsync(postgres);
        await elsewhere.RunAsync("import", folder);
        var exported = elsewhere.PathOf("again");
        await elsewhere.RunAsync("db", "export", exported);
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            Assert.Equal(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken),
                await File.ReadAllTextAsync(Path.Combine(exported, Path.GetFileName(file)), TestContext.Current.CancellationToken));
        }
    }

    private static string Uuid(string kind, string id) => Datasets.Import.NamedUuid.Of($"two_tower:{kind}:{id}").ToString();
}
