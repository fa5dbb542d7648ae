using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Bad folders: each is one line that names file, line, column and value, and nothing of it is imported.</summary>
public sealed class ImportTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync()
    {
        _workplace = await Workplace.CreateAsync(postgres);
        foreach (var file in Directory.EnumerateFiles(Golden.Folder, "*.csv")) File.Copy(file, _workplace.PathOf(Path.GetFileName(file)));
    }

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task A_folder_of_tables_is_imported_and_importing_it_again_changes_nothing()
    {
        await _workplace.RunAsync("import", "csv", _workplace.Home);
        await _workplace.RunAsync("import", "csv", _workplace.Home);

        Assert.Equal(80, await _workplace.Database.ScalarAsync<long>("select count(*) from profiles"));
        Assert.Equal(140, await _workplace.Database.ScalarAsync<long>("select count(*) from videos"));
        Assert.Equal(1644, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Theory]
    [InlineData("user_video_decisions.csv", "decision_type", "verdict", "decision_type")] // a missing column
    [InlineData("user_video_decisions.csv", ",nope,", ",dunno,", "dunno")] // an unknown decision type
    [InlineData("user_video_decisions.csv", ",2025-08-26T17:27:38.221921Z", ",last week", "last week")] // a bad date
    [InlineData("videos.csv", ",652,", ",long,", "long")] // a bad number
    [InlineData("profiles.csv", "020aefa6-44d9-48c0-b971-04ef2f8618b4", "user-0", "user-0")] // not a uuid
    public async Task A_wrong_value_is_named_by_file_and_line_and_nothing_is_imported(string file, string right, string wrong, string named)
    {
        var path = _workplace.PathOf(file);
        var text = await File.ReadAllTextAsync(path);
        var at = text.IndexOf(right, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, text[..at] + wrong + text[(at + right.Length)..]);

        var result = await _workplace.TryAsync("import", "csv", _workplace.Home);

        Assert.Equal(2, result.ExitCode);
        var line = Assert.Single(result.ErrorLines);
        Assert.Contains(file, line);
        Assert.Contains(named, line);
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from videos)"));
    }

    [Theory]
    [InlineData("alter table profiles alter display_name type varchar(5)", "profiles.csv, line 3: The column public.profiles.display_name")]
    [InlineData("alter table videos alter title type varchar(5)", "videos.csv, line 4: The column public.videos.title")]
    public async Task A_value_that_a_column_would_cut_is_named_by_file_and_line(string column, string named)
    {
        var folder = Directory.CreateDirectory(_workplace.PathOf("long")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "profiles.csv"), "user_id,display_name\n1,a\n2,too long a name\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "videos.csv"), "id,title\n7,\"b\nc\"\n8,too long a title\n9,also too long\n");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "user_video_decisions.csv"), "user_id,video_id,decision_type,created_at\n1,7,like,2025-02-01\n");
        await _workplace.Database.ExecuteAsync(column);

        var result = await _workplace.TryAsync("import", folder);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, Assert.Single(result.ErrorLines));
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from videos)"));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_named()
    {
        var result = await _workplace.TryAsync("import", "movielens", _workplace.PathOf("nowhere"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("nowhere", Assert.Single(result.ErrorLines));
    }
}
