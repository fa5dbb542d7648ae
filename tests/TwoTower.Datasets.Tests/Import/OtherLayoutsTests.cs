using System.IO.Compression;
using System.Text;
using Parquet.Serialization;
using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using static TwoTower.Datasets.Tests.Import.TableFolder;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>Layouts and kinds of files that exist elsewhere: the same rows come out of each, or a fault is told by its place.</summary>
public sealed class OtherLayoutsTests : IDisposable
{
    private readonly TableFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tab_separated_files_and_JSON_lines_have_the_same_rows_as_CSV()
    {
        _folder.Write("videos", $"id,title,price,region_codes,is_active\n{V1},\"a \"\"b\"\"\",9.5,\"{{JP,US}}\",true\n{V2},,,,false\n");
        var csv = _folder.Read();
        File.Delete(System.IO.Path.Combine(_folder.Path, "videos.csv"));
        _folder.WriteBytes("videos.jsonl", Encoding.UTF8.GetBytes(
            $$"""
            {"id":"{{V1}}","title":"a \"b\"","price":9.5,"region_codes":["JP","US"],"is_active":true}

            {"id":"{{V2}}","title":null,"is_active":false}
            """));
        var json = _folder.Read();
        Assert.Equal(csv.Videos.Select(Show), json.Videos.Select(Show));
        Assert.True(json.HasVideoColumn("price"));

        File.Delete(System.IO.Path.Combine(_folder.Path, "user_video_decisions.csv"));
        _folder.WriteBytes("user_video_decisions.tsv.gz",
            Zip($"user_id\tvideo_id\tdecision_type\tcreated_at\n{U1}\t{V1}\tlike\t2025-02-01\n"));
        Assert.Equal(U1, Assert.Single(_folder.Read().Decisions).UserId.ToString());
    }

    [Theory]
    [InlineData(';')]
    [InlineData('\t')]
    public void A_file_that_is_called_csv_may_have_semicolons_or_tabs(char separator)
    {
        _folder.Write("videos", $"id,title,price\n{V1},\"a,b\",9.5\n{V2},c;d,7\n");
        var commas = _folder.Read().Videos.Select(Show).ToList();
        string[][] rows = [["\uFEFFid", "title", "price"], [V1, "a,b", "9.5"], [V2, "\"c;d\"", "7"]];
        _folder.Write("videos", string.Concat(rows.Select(row => string.Join(separator, row) + "\r\n")));
        Assert.Equal(commas, _folder.Read().Videos.Select(Show));

        _folder.Write("profiles", $"user_id\n{U1}\n{U2}\n");
        Assert.Equal(2, _folder.Read().Profiles.Count);
    }

    [Theory]
    [InlineData("\"id\";\"title\";\"price\"", ';')]
    [InlineData("\"id\";title;\"price\"", ';')]
    [InlineData("id;title;price;\"note, in euros, of; \"\"1\"\"\"", ';')]
    [InlineData("id;title;price;note, in euros", ';')]
    [InlineData("\"id\"\t\"title\"\t\"price\"", '\t')]
    [InlineData("\"id\"\t\"title\"\t\"price\"\t\"two\nlines, and; more\"", '\t')]
    [InlineData("\"id\",\"title\",\"price\"", ',')]
    [InlineData("\"id\",\"title\",\"price\",\"a;b;c;d;e;f\"", ',')]
    [InlineData("id,title,price,a;b", ',')]
    [InlineData("\n\"id\";\"title\";\"price\"", ';')]
    public void A_header_in_quotes_tells_what_separates_the_fields_too(string header, char separator)
    {
        var more = header.Contains("note", StringComparison.Ordinal) || header.Contains("two", StringComparison.Ordinal) || header.Contains("a;b", StringComparison.Ordinal);
        string[] rows = [$"\"{V1}\",\"a;b,c\td\",\"9.5\"{(more ? ",x" : "")}", $"\"{V2}\",\"e\",\"7\"{(more ? ",x" : "")}"];
        var text = header + "\n" + string.Concat(rows.Select(row => row.Replace("\",", "\"" + separator, StringComparison.Ordinal) + "\n"));
        foreach (var encoding in new Encoding[] { new UTF8Encoding(true), new UTF8Encoding(false), Encoding.Unicode })
        {
            _folder.WriteBytes("videos.csv", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]);
            var videos = _folder.Read().Videos;
            Assert.Equal(["a;b,c\td", "e"], videos.Select(video => video.Title));
            Assert.Equal([9.5m, 7m], videos.Select(video => video.Price));
        }
    }

    [Fact]
    public void A_header_whose_quote_is_never_closed_is_told_as_ever()
    {
        _folder.Write("videos", $"\"id;title\n{V1};one\n");
        Assert.Contains("videos.csv, line 1: a quote is opened and never closed", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_beside_the_tables_that_nothing_reads_is_told()
    {
        _folder.Write("ratings", "userId,movieId,rating,timestamp\n");
        _folder.Write("videos_old", "id\n");
        _folder.WriteBytes("notes.txt", []);
        _folder.Read();
        Assert.Equal(["ratings.csv", "videos_old.csv"], _folder.Said.Where(line => line.Contains("is ignored: it is none of", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void A_name_that_no_key_may_hold_is_told_by_its_line()
    {
        _folder.Write("video_tags", $"video_id,tag_name\n{V1},ok\n{V1},{new string('x', 3000)}\n");
        _folder.Read();
        var told = _folder.Said.Single(line => line.StartsWith("1 of 2 names of video_tags.csv are longer than 2600 letters", StringComparison.Ordinal));
        Assert.Contains("the first: line 3, 'xxx", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_in_quotes_may_have_tabs_line_breaks_and_quotes_in_it()
    {
        File.Delete(System.IO.Path.Combine(_folder.Path, "videos.csv"));
        _folder.WriteBytes("videos.tsv", Encoding.UTF8.GetBytes($"id\ttitle\tprice\n{V1}\t\"a\tb\n\"\"c\"\"\"\t5\n{V2}\t\"\"\t\n"));
        var videos = _folder.Read().Videos;
        Assert.Equal(["a\tb\n\"c\"", ""], videos.Select(video => video.Title));
        Assert.Equal([5m, null], videos.Select(video => video.Price));
    }

    [Theory]
    [InlineData("{\"id\":\"V\"}\n[1,2]\n", "videos.jsonl, line 2: this is a JSON array")]
    [InlineData("{\"id\":\"V\"}\n{\"id\":\n", "videos.jsonl, line 2: this is no JSON object on a line of its own")]
    [InlineData("{\"id\":\"V\"}\n\n{\"id\":\"x\\u0000\"}\n", "videos.jsonl, line 3: column 'id' has a NUL character")]
    [InlineData("{\"id\":\"V\",\"price\":\"much\"}\n", "videos.jsonl, line 1: column 'price' has 'much' where a number")]
    [InlineData("\n", "videos.jsonl has no JSON objects")]
    public void A_fault_of_JSON_lines_is_told_by_its_line(string text, string reason)
    {
        File.Delete(System.IO.Path.Combine(_folder.Path, "videos.csv"));
        _folder.WriteBytes("videos.jsonl", Encoding.UTF8.GetBytes(text.Replace("V", V1, StringComparison.Ordinal)));
        Assert.Contains(reason, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parquet_files_have_the_same_rows_as_CSV()
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path)) File.Delete(file);
        await WriteAsync("profiles", new[] { new Profile { user_id = 1 }, new Profile { user_id = 2 } });
        await WriteAsync("videos", new[]
        {
            new Video { id = 10, title = "Heat", price = 9.5, product_released_at = new(1995, 12, 15, 0, 0, 0, DateTimeKind.Utc),
                region_codes = ["JP", "a,\"b"], is_active = true },
            new Video { id = 11, region_codes = [] },
        });
        await WriteAsync("user_video_decisions", Enumerable.Range(0, 3000).Select(n => new Decision
        {
            user_id = 1 + (n % 2),
            video_id = 10 + (n % 2),
            decision_type = n % 3 == 0 ? "like" : "nope",
            created_at = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(n),
        }));

        var tables = _folder.Read();

        Assert.Equal((2, 2, 3000), (tables.Profiles.Count, tables.Videos.Count, tables.Decisions.Count));
        var (heat, other) = (tables.Videos[0], tables.Videos[1]);
        Assert.Equal(("Heat", "10", 9.5m, true), (heat.Title, heat.ExternalId, heat.Price!.Value, heat.IsActive));
        Assert.Equal(new DateTimeOffset(1995, 12, 15, 0, 0, 0, TimeSpan.Zero), heat.ProductReleasedAt);
        Assert.Equal(["JP", "a,\"b"], heat.RegionCodes);
        Assert.Null(other.Title);
        Assert.Null(other.Price);
        Assert.Equal(new DateTimeOffset(2025, 1, 1, 0, 7, 0, TimeSpan.Zero), tables.Decisions[7].CreatedAt);

        // Sixteen bytes are a uuid where the column's type says so, and a text otherwise.
        await WriteAsync("profiles", new[] { new TextProfile { user_id = "abcdefghijklmnop"u8.ToArray() } });
        Assert.Equal(NamedUuid.Of("two_tower:user:abcdefghijklmnop"), Assert.Single(ReadWithout("user_video_decisions").Profiles).UserId);
        await WriteAsync("profiles", new[] { new UuidProfile { user_id = Guid.Parse(U1) } });
        Assert.Equal(U1, Assert.Single(ReadWithout("user_video_decisions").Profiles).UserId.ToString());

        // A file that was cut off has no footer.
        var path = System.IO.Path.Combine(_folder.Path, "videos.parquet");
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(path, bytes[..^20], TestContext.Current.CancellationToken);
        Assert.Contains("videos.parquet can't be read as Parquet", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_with_a_header_only_are_empty_tables()
    {
        _folder.Write("user_video_decisions", "user_id,video_id,decision_type,created_at\n");
        _folder.Write("video_tags", "video_id,tag_name\n");
        var tables = _folder.Read();
        Assert.Empty(tables.Decisions);
        Assert.Equal(2, tables.Videos.Count);
        Assert.True(tables.HasVideoColumn(VideoColumns.Tags));

        _folder.Write("profiles", "user_id\n");
        _folder.Write("videos", "id");
        Assert.Empty(_folder.Read().Videos);
    }

    [Theory]
    [InlineData("")]
    [InlineData("some/folder/")]
    public void A_zip_archive_of_a_folder_is_read_as_the_folder(string inside)
    {
        var (zip, expected) = (ZipOf(inside), _folder.Read());
        var tables = CsvTableReader.Read(zip);
        Assert.Equal(expected.Decisions, tables.Decisions);
        Assert.Equal(expected.Videos.Select(Show), tables.Videos.Select(Show));
        using var set = ImportReader.Open(zip, null, null, null, null);
        Assert.Equal(ImportFormat.Tables, set.Format);
    }

    [Fact]
    public void A_damaged_or_cut_off_archive_is_refused_and_nothing_of_it_stays()
    {
        var zip = ZipOf("");
        var bytes = File.ReadAllBytes(zip);
        var before = Directory.GetDirectories(System.IO.Path.GetTempPath(), "twotower-zip-*").Length;

        File.WriteAllBytes(zip, bytes[..^30]);
        Assert.Contains("can't be unpacked", Assert.Throws<InputException>(() => CsvTableReader.Read(zip)).Message,
            StringComparison.Ordinal);

        // Stored as they are: a changed letter is no longer what the checksum says.
        var at = bytes.AsSpan().IndexOf("like"u8);
        bytes[at] = (byte)'b';
        File.WriteAllBytes(zip, bytes);
        Assert.Contains("user_video_decisions.csv is damaged", Assert.Throws<InputException>(() => CsvTableReader.Read(zip)).Message,
            StringComparison.Ordinal);
        Assert.True(Directory.GetDirectories(System.IO.Path.GetTempPath(), "twotower-zip-*").Length <= before);
    }

    [Theory]
    [InlineData("videos.csv", "id,title\n", "user_video_decisions.csv", "user_id,video_id\n", "has neither p")]
    [InlineData("movies.csv", "movieId,genres\n1,Drama\n", "ratings.csv", "userId,movieId,rating,timestamp\n", "movies.csv")]
    [InlineData("a.inter", "user_id:token\titem_id:token\n1\t2\n", "a.item", "movie_title:token_seq\nKolya\n", "a.item")]
    [InlineData("a.inter", "user_id:token\titem_id:token\n1\t2\n", "b.inter", "user_id:token\n", "several files")]
    public void What_is_wrong_in_an_archive_of_any_layout_is_told_and_nothing_of_it_stays(
        string file, string content, string other, string otherContent, string expected)
    {
        foreach (var old in Directory.EnumerateFiles(_folder.Path)) File.Delete(old);
        _folder.WriteBytes(file, Encoding.UTF8.GetBytes(content));
        _folder.WriteBytes(other, Encoding.UTF8.GetBytes(otherContent));
        var zip = ZipOf("");
        var before = Directory.GetDirectories(System.IO.Path.GetTempPath(), "twotower-zip-*").Length;

        var error = Assert.Throws<InputException>(() => ImportReader.Open(zip, null, null, null, null));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.True(Directory.GetDirectories(System.IO.Path.GetTempPath(), "twotower-zip-*").Length <= before);
    }

    [Fact]
    public void MovieLens_100K_is_read()
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path)) File.Delete(file);
        _folder.WriteBytes("u.data", Encoding.UTF8.GetBytes("196\t242\t5\t881250949\n186\t302\t3\t891717742\n22\t242\t1\t878887116\n"));
        _folder.WriteBytes("u.genre", Encoding.UTF8.GetBytes("unknown|0\nAction|1\nAdventure|2\n\n"));
        _folder.WriteBytes("u.item", Encoding.Latin1.GetBytes(
            "242|Kolya (1996)|24-Jan-1997||http://us.imdb.com/M/title-exact?Kolya|0|1|1\n302|Misérables, Les (1995)|01-Jan-1995||http://x|1|0|0\n"));

        var said = new List<string>();
        var tables = MovieLensReader.Read(_folder.Path, said.Add);

        Assert.Equal(ImportFormat.MovieLens, ImportFormats.Recognise(_folder.Path));
        Assert.Equal(["Kolya", "Misérables, Les"], tables.Videos.Select(video => video.Title));
        Assert.Equal(["action", "adventure"], tables.Videos[0].Tags);
        Assert.Empty(tables.Videos[1].Tags);
        Assert.Equal(1996, tables.Videos[0].ProductReleasedAt!.Value.Year);
        Assert.Equal([DecisionType.Like, DecisionType.Nope], tables.Decisions.Select(row => row.Type));
        Assert.Equal(3, tables.Profiles.Count);
        Assert.Contains("1 ratings between 2.5 and 4 say neither like nor nope and are left out", said);
    }

    [Fact]
    public void MovieLens_tells_the_first_ten_faults_and_goes_past_as_many_as_it_may()
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path)) File.Delete(file);
        _folder.Write("movies", "movieId,title,genres\n1,One (1999),Drama\n");
        _folder.Write("ratings", "userId,movieId,rating,timestamp\n"
            + string.Concat(Enumerable.Range(0, 12).Select(n => $"{n},1,bad{n},1\n")) + "99,1,5,1000000000\n");

        var error = Assert.Throws<InputException>(() => MovieLensReader.Read(_folder.Path));
        Assert.Equal(11, error.Message.Split('\n').Length);
        Assert.Contains("ratings.csv, line 11: column 'rating' has 'bad9' where a number was expected", error.Message,
            StringComparison.Ordinal);

        IReadOnlyList<string> left = [];
        var tables = MovieLensReader.Read(_folder.Path, null, new() { SkipBad = 12, LeftOut = rows => left = rows });
        Assert.Equal(12, left.Count);
        Assert.Single(tables.Decisions);
        Assert.Single(tables.Profiles);
        Assert.Contains("12 bad rows are more than the 11",
            Assert.Throws<InputException>(() => MovieLensReader.Read(_folder.Path, null, new() { SkipBad = 11 })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_no_known_layout_is_told_with_those_that_are()
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path)) File.Delete(file);
        _folder.Write("purchases", "a,b\n");
        Assert.Contains("--map map.json", Assert.Throws<InputException>(() => ImportReader.Open(_folder.Path, null, null, null, null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Two_files_of_one_table_are_refused()
    {
        _folder.WriteBytes("videos.jsonl", "{}"u8.ToArray());
        Assert.Contains("has both videos.csv and videos.jsonl; leave one", Refusal(), StringComparison.Ordinal);
    }

    private static string Show(VideoRow video) =>
        $"{video.Id} {video.Title} {video.Price} {string.Join('/', video.RegionCodes)} {video.IsActive}";

    private TableSet ReadWithout(string table)
    {
        File.Delete(System.IO.Path.Combine(_folder.Path, table + ".parquet"));
        _folder.Write(table, "user_id,video_id,decision_type,created_at\n");
        return _folder.Read();
    }

    private string Refusal() => Assert.Throws<InputException>(() => _folder.Read()).Message;

    private string ZipOf(string inside)
    {
        var zip = System.IO.Path.Combine(_folder.Path, "archive.zip");
        using var archive = ZipFile.Open(zip, ZipArchiveMode.Create);
        foreach (var file in Directory.EnumerateFiles(_folder.Path).Where(path => path != zip))
        {
            archive.CreateEntryFromFile(file, inside + System.IO.Path.GetFileName(file), CompressionLevel.NoCompression);
        }

        archive.CreateEntry("__MACOSX/._videos.csv");
        return zip;
    }

    private async Task WriteAsync<T>(string table, IEnumerable<T> rows) where T : new()
    {
        await using var file = File.Create(System.IO.Path.Combine(_folder.Path, table + ".parquet"));
        await ParquetSerializer.SerializeAsync(rows, file);
    }

#pragma warning disable IDE1006, SA1300, CA1034, CA1707 // columns as they are in the file
    internal sealed class Profile
    {
        public long user_id { get; set; }
    }

    internal sealed class TextProfile
    {
        public byte[]? user_id { get; set; }
    }

    internal sealed class UuidProfile
    {
        public Guid user_id { get; set; }
    }

    internal sealed class Video
    {
        public int id { get; set; }

        public string? title { get; set; }

        public double? price { get; set; }

        public DateTime? product_released_at { get; set; }

        public List<string>? region_codes { get; set; }

        public bool is_active { get; set; }
    }

    internal sealed class Decision
    {
        public long user_id { get; set; }

        public int video_id { get; set; }

        public string? decision_type { get; set; }

        public DateTime created_at { get; set; }
    }
#pragma warning restore
}
