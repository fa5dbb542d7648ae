using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>The table two_tower.video_features: what it refuses, and the ways in and out.</summary>
public sealed class VideoFeatureTableTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(_db, 1, 4);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private Task InsertAsync(int video, string name, string vector) =>
        _db.ExecuteAsync($"insert into two_tower.video_features (video_id, name, vector) values ('{TestVideos.Id(video)}', '{name}', '{vector}')");

    private async Task<string> RefusedAsync(int video, string name, string vector) =>
        (await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(video, name, vector))).MessageText;

    [Fact]
    public async Task All_vectors_of_a_name_have_the_length_of_the_first_until_the_name_is_deleted()
    {
        await InsertAsync(1, "clip", "[1,2,3]");
        await InsertAsync(1, "title", "[1]");
        var message = await RefusedAsync(2, "clip", "[1,2]");
        Assert.Contains($"vectors named clip have 3 numbers, that of video {TestVideos.Id(2)} has 2", message, StringComparison.Ordinal);
        Assert.Contains("delete from two_tower.video_feature_names where name = 'clip'", message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync("update two_tower.video_features set vector = '[1,2]' where name = 'clip'"));
        await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync("update two_tower.video_feature_names set dim = 2 where name = 'clip'"));

        await _db.ExecuteAsync("delete from two_tower.video_feature_names where name = 'clip'");
        Assert.Equal(["title"], await _db.ListAsync<string>("select name from two_tower.video_features"));
        await InsertAsync(2, "clip", "[1,2]");
    }

    [Fact]
    public async Task Of_two_who_begin_a_name_at_once_with_different_lengths_one_is_refused()
    {
        await using var first = await _db.DataSource.OpenConnectionAsync();
        await using var transaction = await first.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand($"insert into two_tower.video_features values ('{TestVideos.Id(1)}', 'clip', '[1,2,3]')", first))
        {
            await command.ExecuteNonQueryAsync();
        }

        var second = RefusedAsync(2, "clip", "[1,2]");
        await transaction.CommitAsync();
        Assert.Contains("have 3 numbers", await second, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clip", "[1,NaN]", "NaN not allowed in vector")]
    [InlineData("clip", "[1,Infinity]", "infinite value not allowed in vector")]
    [InlineData("clip", "[1,1e39]", "out of range")]
    [InlineData("two words", "[1]", "video_feature_names_name_check")]
    [InlineData("", "[1]", "video_feature_names_name_check")]
    public async Task What_is_no_vector_or_no_name_is_refused(string name, string vector, string reason) =>
        Assert.Contains(reason, await RefusedAsync(1, name, vector), StringComparison.Ordinal);

    [Fact]
    public async Task A_video_takes_its_vectors_with_it_and_one_that_is_not_there_has_none()
    {
        await InsertAsync(1, "clip", "[1]");
        Assert.Contains("video_features_video_id_fkey", await RefusedAsync(99, "clip", "[1]"), StringComparison.Ordinal);
        await _db.ExecuteAsync($"delete from videos where id = '{TestVideos.Id(1)}'");
        Assert.Equal(0L, await _db.ScalarAsync<long>("select count(*) from two_tower.video_features"));
    }

    [Fact]
    public async Task SQL_and_process_give_the_same_payloads_with_the_vectors_that_are_asked_for()
    {
        // Numbers whose text is awkward: the smallest, the largest, thirds, minus zero.
        var random = new Random(5);
        float[] Awkward() => [float.Epsilon, float.MaxValue, 1f / 3, -0f, 1e-7f, random.NextSingle(), -random.NextSingle() * 1e6f];
        var tables = await TableReader.ReadAsync(_db.DataSource, default);
        tables = tables with
        {
            Videos = [.. tables.Videos.Select((video, i) => i == 3 ? video : video with
            {
                VideoFeatures = i == 2 ? new() { ["title"] = [1] } : new Dictionary<string, float[]> { ["clip"] = Awkward(), ["title"] = [i] },
            })],
        };
        await new TableWriter(_db.DataSource).WriteAsync(tables, null, default);

        foreach (var names in new string[]?[] { null, ["clip"], ["clip", "title"], ["none"], [] })
        {
            var built = PayloadBuilder.BuildItems(await TableReader.ReadAsync(_db.DataSource, names, default));
            var read = await PayloadReader.ReadItemsAsync(_db.DataSource, null, names, default).ToListAsync();
            Assert.Equal(4, read.Count);
            for (var i = 0; i < built.Count; i++) PayloadAssert.Equal(built[i], read[i]);
            Assert.Equal(names is null or [_, _] ? 3 : names is ["clip"] ? 2 : 0, read.Count(item => item.VideoFeatures is not null));
        }

        Assert.Equal(tables.Videos[0].VideoFeatures["clip"], (await TableReader.ReadAsync(_db.DataSource, default)).Videos[0].VideoFeatures["clip"]);
    }

    [Fact]
    public async Task The_public_functions_have_them_and_their_JSON_is_as_ever_where_there_are_none()
    {
        const string keys = "select string_agg(k, ' ' order by k) from jsonb_object_keys(get_item_embedding_features('{0}')) k";
        var before = await _db.ScalarAsync<string>(string.Format(null, keys, TestVideos.Id(1)));
        Assert.DoesNotContain("video_features", before, StringComparison.Ordinal);
        await InsertAsync(1, "clip", "[1,2.5]");
        Assert.Equal(before.Replace("video_id", "video_features video_id", StringComparison.Ordinal), await _db.ScalarAsync<string>(string.Format(null, keys, TestVideos.Id(1))));
        Assert.Equal(before, await _db.ScalarAsync<string>(string.Format(null, keys, TestVideos.Id(2))));
        Assert.Equal(
            """{"clip": [1, 2.5]}""",
            await _db.ScalarAsync<string>($"select payload ->> 'video_features' from get_item_embedding_feature_batch(10, 0) where video_id = '{TestVideos.Id(1)}'"));
    }

    [Fact]
    public async Task Who_may_read_the_videos_may_ask_for_their_features()
    {
        await InsertAsync(1, "clip", "[1,2.5]");
        var role = "reader_" + Guid.NewGuid().ToString("N")[..12];
        await _db.ExecuteAsync($"create role {role}; grant select on videos, video_tags, video_performers to {role}");
        try
        {
            await _db.ExecuteAsync(
                $"begin; set local role {role}; do $$ begin if get_item_embedding_features('{TestVideos.Id(1)}') -> 'video_features' is null then raise 'none'; end if; end $$; commit");
        }
        finally
        {
            await _db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    [Fact]
    public async Task Writing_makes_the_vectors_of_a_name_those_of_the_source_and_leaves_other_names_and_what_is_the_same()
    {
        VideoRow Video(int n, params (string Name, float[] Vector)[] vectors) =>
            new() { Id = TestVideos.Id(n), VideoFeatures = vectors.ToDictionary(vector => vector.Name, vector => vector.Vector) };
        Task WriteAsync(params VideoRow[] videos) =>
            new TableWriter(_db.DataSource).WriteAsync(new([], videos, []) { VideoColumns = new HashSet<string>() }, null, default);
        const string rows = "select format('%s %s %s %s', right(video_id::text, 1), name, vector, xmin) from two_tower.video_features order by video_id, name";

        await WriteAsync(Video(1, ("clip", [1, 2]), ("title", [7])), Video(2, ("clip", [3, 4])), Video(3, ("clip", [5, 6])));
        var before = await _db.ListAsync<string>(rows);
        await WriteAsync(Video(1, ("clip", [1, 2]), ("title", [7])), Video(2, ("clip", [3, 4])), Video(3, ("clip", [5, 6])));
        Assert.Equal(before, await _db.ListAsync<string>(rows));

        await WriteAsync(Video(1, ("clip", [1, 2])), Video(2)); // 3 isn't part of it, and of titles it says nothing
        Assert.Equal(before.Where(row => row[0] != '2'), await _db.ListAsync<string>(rows));

        var error = await Assert.ThrowsAsync<InputException>(() => WriteAsync(Video(2, ("clip", [1, 2, 3]))));
        Assert.Contains("The table two_tower.video_features doesn't take these rows: vectors named clip have 2 numbers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exported_tables_are_read_as_they_were()
    {
        await InsertAsync(1, "clip", "[0.1,-2.5e-20]");
        await new TableWriter(_db.DataSource).WriteAsync(
            new([new(TestVideos.Id(7), "名前, \"x\"", Golden.AsOf)], [], [new(TestVideos.Id(7), TestVideos.Id(1), DecisionType.Nope, Golden.AsOf)]), null, default);
        using var folder = new TemporaryFolder();
        var target = Path.Combine(folder.Path, "tables");
        var files = await TableExport.WriteAsync(_db.DataSource, target, null, default);
        Assert.Equal(
            ["profiles.csv", "videos.csv", "video_tags.csv", "video_performers.csv", "user_video_decisions.csv", "video_features.csv"], files.Select(file => file.File));

        var (expected, actual) = (await TableReader.ReadAsync(_db.DataSource, default), CsvTableReader.Read(target));
        Assert.Equal(expected.Profiles, actual.Profiles);
        Assert.Equal(expected.Decisions, actual.Decisions);
        var (left, right) = (PayloadBuilder.BuildItems(expected), PayloadBuilder.BuildItems(actual));
        Assert.Equal(left.Count, right.Count);
        for (var i = 0; i < left.Count; i++) PayloadAssert.Equal(left[i], right[i]);
        Assert.Equal(
            expected.Videos.Select(video => (video.Title, video.IsActive)), actual.Videos.Select(video => (video.Title, video.IsActive)));

        Assert.Contains("isn't empty", (await Assert.ThrowsAsync<InputException>(() => TableExport.WriteAsync(_db.DataSource, target, null, default))).Message, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
