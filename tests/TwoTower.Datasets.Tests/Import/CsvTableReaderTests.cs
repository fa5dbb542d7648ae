using System.IO.Compression;
using System.Text;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Testing;

namespace TwoTower.Datasets.Tests.Import;

public sealed class CsvTableReaderTests : IDisposable
{
    private const string U1 = "00000000-0000-0000-0000-0000000000a1";
    private const string V1 = "00000000-0000-0000-0000-0000000000f1";
    private const string Profiles = $"user_id,created_at\n{U1},2025-01-01T00:00:00Z\n";
    private const string Videos = $"id,title\n{V1},one\n";
    private const string Decisions = $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,2025-02-01T00:00:00Z\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-csv-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_golden_folder_is_read_with_its_awkward_cases()
    {
        var tables = Golden.Tables;
        Assert.Equal((80, 140, 1644), (tables.Profiles.Count, tables.Videos.Count, tables.Decisions.Count));
        Assert.Equal("020aefa6-44d9-48c0-b971-04ef2f8618b4", tables.Profiles[0].UserId.ToString());
        Assert.Null(tables.Videos[3].DurationSeconds);
        Assert.Equal(4641m, tables.Videos[3].Price);
        Assert.Contains("a\"b", tables.Videos.SelectMany(video => video.Tags));
        Assert.Contains("long tag with, comma", tables.Videos.SelectMany(video => video.Tags));

        // 19:48 in Tokyo.
        Assert.Equal(new DateTimeOffset(2025, 5, 13, 10, 48, 31, TimeSpan.Zero).AddMicroseconds(718_622), tables.Decisions[0].CreatedAt);
    }

    [Fact]
    public void Columns_go_by_name_empty_is_null_and_what_is_unknown_is_told_and_ignored()
    {
        Write("profiles", $"display_name,shoe_size,created_at,user_id\n,43,,{U1}\n");
        Write("videos", $$$"""
            id,region_codes,is_active,safety_level,price,image_urls,published_at,product_url
            {{{V1}}},"{JP,""a, b""}",false,2,9.50,"[""x""]",2025-01-01,
            00000000-0000-0000-0000-0000000000f2,"[""US""]",,,,,,http://p

            """);
        Write("user_video_decisions", Decisions);
        List<string> said = [];
        var tables = CsvTableReader.Read(_folder, said.Add);

        Assert.Equal(new ProfileRow(Guid.Parse(U1), null, null), Assert.Single(tables.Profiles));
        var video = tables.Videos[0];
        Assert.Equal(["JP", "a, b"], video.RegionCodes);
        Assert.Equal((false, (short)2, 9.50m), (video.IsActive, video.SafetyLevel, video.Price));
        Assert.Equal("2025-01-01T00:00:00.000000Z", video.OtherColumns["published_at"]);
        Assert.Equal((true, (short)0), (tables.Videos[1].IsActive, tables.Videos[1].SafetyLevel));
        Assert.Equal(["US"], tables.Videos[1].RegionCodes);
        Assert.Contains("profiles.csv: column 'shoe_size' is ignored", said);
        Assert.Null(tables.Videos[1].Exact["is_active"]);
        Assert.Null(tables.Videos[1].Exact["safety_level"]);
        Assert.True(tables.HasVideoColumn("price"));
        Assert.False(tables.HasVideoColumn("title"));
        Assert.False(tables.HasVideoColumn(VideoColumns.Tags));
    }

    [Fact]
    public void A_field_may_be_quoted_over_several_lines_and_a_file_zipped_with_a_byte_order_mark()
    {
        Write("profiles", Profiles.Replace("\n", "\r\n", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_folder, "videos.csv"), $"id,title\n{V1},\"two\nlines, \"\"quoted\"\"\"\n", new UTF8Encoding(true));
        using (var zip = new GZipStream(File.Create(Path.Combine(_folder, "user_video_decisions.csv.gz")), CompressionLevel.Fastest))
        {
            zip.Write(Encoding.UTF8.GetBytes(Decisions));
        }

        var tables = CsvTableReader.Read(_folder);
        Assert.Equal("two\nlines, \"quoted\"", Assert.Single(tables.Videos).Title);
        Assert.Single(tables.Decisions);
    }

    [Theory]
    [InlineData("profiles", "user,name\n", "profiles.csv has no column 'user_id'; its header is: user,name")]
    [InlineData("profiles", "", "profiles.csv is empty")]
    [InlineData("profiles", $"user_id,created_at\n{U1},\nme,\n", $"profiles.csv, line 3: column 'user_id' has 'me', which is no uuid, where profiles.csv, line 2, has '{U1}'")]
    [InlineData("profiles", $"user_id,created_at\nme,\n{U1},\n", $"profiles.csv, line 3: column 'user_id' has '{U1}', a uuid, where profiles.csv, line 2, has 'me'")]
    [InlineData("profiles", "user_id\n5f0c1d2e00004000800000000000000a\n",
        "a uuid, where profiles.csv, line 2, has '5f0c1d2e00004000800000000000000a': write all of these ids as uuids, or none")]
    [InlineData("profiles", $"user_id\n{U1}\n{{5f0c1d2e-0000-4000-8000-00000000000a}}\n", "a uuid in a form that isn't taken")]
    [InlineData("videos", "id\n(5f0c1d2e-0000-4000-8000-00000000000a)\n", "a uuid in a form that isn't taken")]
    [InlineData("profiles", $"user_id,created_at\n{U1},12/31/2024\n", "profiles.csv, line 2: column 'created_at' has '12/31/2024' where a time such as")]
    [InlineData("profiles", $"user_id,created_at\n{U1},2025-02-30\n", "has '2025-02-30' where a time")]
    [InlineData("profiles", $"user_id,created_at\n{U1},\n{U1},\n", $"profiles.csv, line 3: column 'user_id' has '{U1}' a second time")]
    [InlineData("profiles", $"user_id,created_at\n{U1}\n", "profiles.csv, line 2: 1 fields where the header has 2 columns")]
    [InlineData("profiles", $"user_id,created_at\n{U1},\"2025\n", "profiles.csv, line 2: a quote is opened and never closed")]
    [InlineData("profiles", $"user_id,created_at\n{U1},20\"25\n", "profiles.csv, line 2: a quote")]
    [InlineData("profiles", "user_id,user_id,created_at\n", "profiles.csv has the column 'user_id' twice")]
    [InlineData("videos", $"id,price\n{V1},12.x\n", "videos.csv, line 2: column 'price' has '12.x' where a number")]
    [InlineData("videos", $"id,price\n{V1},\"1,000\"\n", "column 'price' has '1,000' where a number")]
    [InlineData("videos", $"id,title,duration_seconds\n{V1},\"a\nb\",5\n00000000-0000-0000-0000-0000000000f2,c,1.5\n", "videos.csv, line 4: column 'duration_seconds' has '1.5' where a whole number")]
    [InlineData("videos", $"id,is_active\n{V1},maybe\n", "column 'is_active' has 'maybe' where true or false")]
    [InlineData("videos", $"id,region_codes\n{V1},JP\n", "column 'region_codes' has 'JP' where a list such as {JP,US}")]
    [InlineData("videos", $"id,region_codes\n{V1},\"{{JP\"\n", "where a list such as")]
    [InlineData("videos", $"id,image_urls\n{V1},nope\n", "column 'image_urls' has 'nope', which is no JSON")]
    [InlineData("videos", $"id\n{V1}\n{V1}\n", "videos.csv, line 3: column 'id'")]
    [InlineData(
        "video_tags", $"video_id,tag_name\n00000000-0000-0000-0000-0000000000f9,a\n",
        "video_tags.csv, line 2: column 'video_id' has '00000000-0000-0000-0000-0000000000f9', which is not in videos.csv")]
    [InlineData("video_tags", $"video_id,tag_name\n{V1},\n", "video_tags.csv, line 2: column 'tag_name' is empty")]
    [InlineData(
        "user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},love,2025-01-01\n",
        "user_video_decisions.csv, line 2: column 'decision_type' has 'love' where like or nope was expected")]
    [InlineData("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,\n", "line 2: column 'created_at' is empty")]
    [InlineData(
        "user_video_decisions", $"user_id,video_id,decision_type,created_at\n\n\n{U1},{V1},like,2025-02-01\n\n{U1},{V1},love,2025-02-01\n",
        "user_video_decisions.csv, line 6: column 'decision_type' has 'love'")]
    [InlineData(
        "user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},00000000-0000-0000-0000-0000000000f9,like,2025-02-01\n", "1 of 1 decisions name a video that isn't in videos.csv")]
    [InlineData("profiles", $"user_id,display_name,created_at\n{U1},a\0b,\n", "profiles.csv, line 2: column 'display_name' has a NUL character: 'a␀b'")]
    [InlineData("videos", $"id,image_urls\n{V1},\"[\"\"\\u0000\"\"]\"\n", "column 'image_urls' has a NUL character")]
    [InlineData("videos", $"id,title\n{V1},\"a\"b\n", "videos.csv, line 2: a quote is closed in the middle of a field")]
    [InlineData("videos", $"id,duration_seconds\n{V1},4440.5\n", "column 'duration_seconds' has '4440.5' where a whole number")]
    [InlineData("videos", $"id,created_at\n{V1},20240101\n", "column 'created_at' has '20240101' where a time")]
    [InlineData("videos", $"id,title,Title\n{V1},a,b\n{V1},a,b\n", "line 3: column 'id'")]
    [InlineData("videos", $"id,TITLE,Title\n{V1},a,b\n", "videos.csv has the column 'title' more than once: 'TITLE', 'Title'")]
    [InlineData("video_features", $"video_id,name\n{V1},clip\n", "video_features.csv has no column 'vector'")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,\"[1,NaN]\"\n", "video_features.csv, line 2: column 'vector' has '[1,NaN]' where finite numbers such as [0.5,-1.25] were expected")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,\"[1e39]\"\n", "column 'vector' has '[1e39]' where finite numbers")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,[]\n", "column 'vector' has '[]' where finite numbers")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,\"1,2\"\n", "column 'vector' has '1,2' where finite numbers")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,\"[1,,2]\"\n", "column 'vector' has '[1,,2]' where finite numbers")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},two words,[1]\n", "column 'name' has 'two words' where a name of 1 to 63 letters")]
    [InlineData("video_features", $"video_id,name,vector\n{V1},clip,[1]\n{V1},clip,[2]\n", "video_features.csv, line 3: column 'name' has 'clip' a second time")]
    [InlineData("video_features", "video_id,name,vector\n00000000-0000-0000-0000-0000000000f9,clip,[1]\n", "which is not in videos.csv")]
    public void A_wrong_file_is_refused_with_file_line_column_and_value(string table, string text, string reason)
    {
        Write("profiles", Profiles);
        Write("videos", Videos);
        Write("user_video_decisions", Decisions);
        Write(table, text);
        Assert.Contains(reason, Assert.Throws<InputException>(() => CsvTableReader.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Vectors_of_videos_are_read_where_there_are_any_and_all_of_a_name_have_one_length()
    {
        const string second = "00000000-0000-0000-0000-0000000000f2";
        Write("profiles", Profiles);
        Write("videos", $"{Videos}{second},two\n");
        Write("user_video_decisions", Decisions);
        Assert.All(CsvTableReader.Read(_folder).Videos, video => Assert.Empty(video.VideoFeatures));

        Write("video_features", $"name,video_id,vector\nclip,{V1},\"[0.5, -1.25,3e-2]\"\ntitle,{V1},{{7}}\ntitle,{second},[8]\n");
        var videos = CsvTableReader.Read(_folder).Videos;
        Assert.Equal([0.5f, -1.25f, 0.03f], videos[0].VideoFeatures["clip"]);
        Assert.Equal(7f, Assert.Single(videos[0].VideoFeatures["title"]));
        Assert.Equal("title", Assert.Single(videos[1].VideoFeatures).Key);

        Write("video_features", $"video_id,name,vector\n{V1},clip,\"[1,2]\"\n{second},clip,\"[1,2,3]\"\n");
        Assert.Contains(
            "video_features.csv, line 3: column 'vector' has 3 numbers where the vectors named 'clip' before it have 2", Read(_folder), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_or_ambiguous_is_named()
    {
        Assert.Contains("no folder", Read(Path.Combine(_folder, "none")), StringComparison.Ordinal);
        Assert.Contains("neither profiles.csv nor profiles.csv.gz", Read(_folder), StringComparison.Ordinal);
        Write("profiles", Profiles);
        File.WriteAllText(Path.Combine(_folder, "profiles.csv.gz"), "");
        Assert.Contains("both profiles.csv and profiles.csv.gz", Read(_folder), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "profiles.csv"));
        File.WriteAllText(Path.Combine(_folder, "profiles.csv.gz"), "not gzip at all");
        Assert.Contains("profiles.csv.gz is damaged, or no gzip file", Read(_folder), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "profiles.csv.gz"));
        File.WriteAllBytes(Path.Combine(_folder, "profiles.csv"), [.. Encoding.UTF8.GetBytes("user_id,created_at,display_name\n"), 0xE9, 0x2C, 0x2C]);
        Assert.Contains("profiles.csv, line 2: column 'user_id' has bytes that are not UTF-8 text: '\uFFFD'. Save the file as UTF-8.", Read(_folder), StringComparison.Ordinal);
    }

    private static string Read(string folder) => Assert.Throws<InputException>(() => CsvTableReader.Read(folder)).Message;

    private void Write(string table, string text) => File.WriteAllText(Path.Combine(_folder, table + ".csv"), text);
}
