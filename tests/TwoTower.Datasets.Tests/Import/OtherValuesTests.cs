using TwoTower.Core;
using TwoTower.Datasets.Import;
using static TwoTower.Datasets.Tests.Import.TableFolder;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>Names and values as other programs write them: read as what they mean, or told.</summary>
public sealed class OtherValuesTests : IDisposable
{
    private readonly TableFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Columns_are_found_whatever_their_case_and_a_name_that_is_nearly_one_is_told()
    {
        _folder.Write("videos", $"ID,Title,Duration Seconds,safetyLevel,prise\n{V1},one,60,2,5\n{V2},two,70,0,6\n");
        var tables = _folder.Read();
        Assert.Equal(("one", 60, (short)2), (tables.Videos[0].Title, tables.Videos[0].DurationSeconds, tables.Videos[0].SafetyLevel));
        Assert.True(tables.HasVideoColumn("duration_seconds"));
        Assert.Contains("videos.csv: column 'prise' is ignored; is 'price' meant?", _folder.Said);

        _folder.Write("profiles", $"usr_id,created_at\n{U1},\n");
        Assert.Contains("has no column 'user_id'; its header is: usr_id,created_at. Is 'usr_id' meant? Rename it", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_numbers_may_be_written_as_floats()
    {
        _folder.Write("videos", $"id,duration_seconds,safety_level\n{V1},4440.0,1.0\n{V2},4.44e3,\n");
        Assert.Equal([4440, 4440], _folder.Read().Videos.Select(video => video.DurationSeconds!.Value));
    }

    [Theory]
    [InlineData("2025-02-01 10:00:00 UTC", "2025-02-01T10:00:00Z")]
    [InlineData("1738404000", "2025-02-01T10:00:00Z")]
    [InlineData("1738404000.0", "2025-02-01T10:00:00Z")]
    [InlineData("1738404000123", "2025-02-01T10:00:00.123Z")]
    [InlineData("1738404000123456", "2025-02-01T10:00:00.123456Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    public void Times_are_read_as_other_programs_write_them(string written, string meant)
    {
        _folder.Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,{written}\n");
        Assert.Equal(
            DateTimeOffset.Parse(meant, System.Globalization.CultureInfo.InvariantCulture),
            Assert.Single(_folder.Read().Decisions).CreatedAt);
    }

    [Theory]
    [InlineData("202502011000", "2025-02-01T10:00Z")]
    [InlineData("202502011000.0", "2025-02-01T10:00Z")]
    [InlineData("199912312359", "1999-12-31T23:59Z")]
    [InlineData("20250201100030", "2025-02-01T10:00:30Z")]
    [InlineData("202502011000305", "2025-02-01T10:00:30.5Z")]
    [InlineData("20250201100030123", "2025-02-01T10:00:30.123Z")]
    public void Digits_that_look_like_a_date_are_refused_with_the_date(string written, string meant)
    {
        var reason = $"column 'created_at' has '{written}', which looks like a date without separators and like a number since 1970: write it as {meant}";
        foreach (var (table, text) in new[]
        {
            ("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,{written}\n"),
            ("videos", $"id,created_at\n{V1},{written}\n{V2},\n"),
        })
        {
            _folder.Write(table, text);
            Assert.StartsWith($"{table}.csv, line 2: {reason}", Refusal(), StringComparison.Ordinal);
        }

        // The date that is proposed is taken.
        _folder.Write("videos", $"id,created_at\n{V1},{meant}\n{V2},\n");
        _folder.Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,{meant}\n");
        Assert.Equal(meant[..4], $"{Assert.Single(_folder.Read().Decisions).CreatedAt:yyyy}");
    }

    [Theory]
    [InlineData("202513011000", 1976)]
    [InlineData("202502301000", 1976)]
    [InlineData("202502012500", 1976)]
    [InlineData("999999999999", 2001)]
    [InlineData("1738404000123", 2025)]
    [InlineData("1999123123", 2033)]
    public void Digits_that_look_like_no_date_are_since_1970(string written, int year)
    {
        _folder.Write("videos", $"id,created_at\n{V1},{written}\n{V2},\n");
        Assert.Equal(year, _folder.Read().Videos[0].CreatedAt!.Value.Year);
    }

    [Theory]
    [InlineData("infinity")]
    [InlineData("-infinity")]
    [InlineData("0044-03-15 00:00:00+00 BC")]
    [InlineData("20000-01-01 00:00:00+00")]
    [InlineData("4714-11-24 00:00:00+00 BC")]
    [InlineData("4714-11-24 05:30:00+05:30 BC")]
    [InlineData("294276-12-31 23:59:59.999999+00")]
    public void Times_that_only_Postgres_has_are_kept_as_they_are(string written)
    {
        _folder.Write("videos", $"id,product_released_at\n{V1},{written}\n{V2},\n");
        var video = _folder.Read().Videos[0];
        Assert.Null(video.ProductReleasedAt);
        Assert.Equal(written, video.Exact["product_released_at"]);
    }

    [Theory]
    [InlineData("4714-11-23 23:59:59+00 BC")]
    [InlineData("4714-11-24 05:29:59+05:30 BC")]
    [InlineData("5000-01-01 BC")]
    [InlineData("294277-01-01 00:00:00+00")]
    [InlineData("294276-12-31 23:59:59-00:00:01")]
    [InlineData("20000-01-01 00:00:00+16:00")]
    [InlineData("20000-02-30")]
    [InlineData("٢٠٢٥-01-01")]
    [InlineData("१७३८४०४०००")]
    public void Times_that_not_even_Postgres_has_are_refused(string written)
    {
        _folder.Write("videos", $"id,product_released_at\n{V1},{written}\n{V2},\n");
        Assert.StartsWith($"videos.csv, line 2: column 'product_released_at' has '{written}' where a time", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NaN", null)]
    [InlineData("1e40", null)]
    [InlineData("0.1234567890123456789012345678901234567890", 0.1234567890)]
    public void Numbers_that_no_decimal_holds_are_kept_as_they_are(string written, double? about)
    {
        _folder.Write("videos", $"id,price\n{V1},{written}\n{V2},5\n");
        var video = _folder.Read().Videos[0];
        Assert.Equal(about is null, video.Price is null);
        Assert.Equal(written, video.Exact["price"]);
    }

    [Fact]
    public void An_empty_text_in_quotes_is_a_text_and_odd_arrays_are_kept()
    {
        _folder.Write("videos", $"id,title,region_codes\n{V1},\"\",\"{{JP,NULL}}\"\n{V2},,\"{{{{a}},{{b}}}}\"\n");
        _folder.Write("video_tags", $"video_id,tag_name\n{V1},\"\"\n{V1},a\n{V1},a\n");
        var videos = _folder.Read().Videos;
        Assert.Equal(("", null), (videos[0].Title, videos[1].Title));
        Assert.Equal(["JP"], videos[0].RegionCodes);
        Assert.Equal("{JP,NULL}", videos[0].Exact["region_codes"]);
        Assert.Equal("{{a},{b}}", videos[1].Exact["region_codes"]);
        Assert.Equal(["", "a"], videos[0].Tags);
        Assert.Contains("1 of 3 rows of video_tags.csv repeat one before them and are left out (the first: line 4, 'a')", _folder.Said);
    }

    [Fact]
    public void Whole_numbers_and_texts_are_ids_each_the_same_uuid_in_every_import_and_are_kept()
    {
        _folder.Write("profiles", "user_id,created_at\n1,\nbob,\n");
        _folder.Write("videos", "id,title\n10.0,one\ntt0113497,two\n");
        _folder.Write("user_video_decisions", "user_id,video_id,decision_type,created_at\n1.0,10,like,2025-02-01\nbob,tt0113497,nope,2025-02-01\n");
        var tables = _folder.Read();

        // Python: uuid.uuid5(uuid.NAMESPACE_URL, "two_tower:user:1") and "two_tower:video:10".
        Assert.Equal(NamedUuid.Of("two_tower:user:1"), tables.Decisions[0].UserId);
        Assert.Equal(NamedUuid.Of("two_tower:video:10"), tables.Decisions[0].VideoId);
        Assert.Equal(["10", "tt0113497"], tables.Videos.Select(video => video.ExternalId));
        Assert.Equal(["1", "bob"], tables.Profiles.Select(profile => profile.DisplayName));
        Assert.True(tables.HasVideoColumn("external_id"));
    }

    [Fact]
    public void Thirty_two_hexadecimal_digits_are_texts_unless_the_other_ids_are_uuids()
    {
        const string First = "d41d8cd98f00b204e9800998ecf8427e", Second = "0cc175b9c0f1b6a831c399e269772661";
        _folder.Write("profiles", "user_id\nann\n");
        _folder.Write("videos", $"id\n{First}\n{Second}\n");
        _folder.Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\nann,{First},like,2025-02-01\n");
        var tables = _folder.Read();
        Assert.Equal([First, Second], tables.Videos.Select(video => video.ExternalId));
        Assert.Equal(NamedUuid.Of($"two_tower:video:{First}"), tables.Decisions[0].VideoId);

        _folder.Write("videos", $"id\n{V1}\n{Second}\n");
        Assert.Contains("a uuid in a form that isn't taken: write it as 0cc175b9-c0f1-b6a8-31c3-99e269772661", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_decision_names_that_no_file_has_and_what_is_yet_to_come_is_told_with_the_first()
    {
        _folder.Write("user_video_decisions", $"""
            user_id,video_id,decision_type,created_at
            {U1},{V1},like,2025-02-01
            {U1},{V1},like,2025-02-01
            {U1},00000000-0000-0000-0000-0000000000f9,like,2099-02-01
            00000000-0000-0000-0000-0000000000a9,{V1},like,2025-02-01

            """);
        Assert.Equal(3, _folder.Read().Decisions.Count);
        Assert.Contains("1 of 4 rows of user_video_decisions.csv repeat one before them and are left out (the first: line 3)", _folder.Said);
        Assert.Contains(
            "1 of 4 decisions name a video that isn't in videos.csv: no model learns from them (the first: line 4, '00000000-0000-0000-0000-0000000000f9')",
            _folder.Said);
        Assert.Contains("1 of 4 decisions name a user who isn't in profiles.csv (the first: line 5, '00000000-0000-0000-0000-0000000000a9')", _folder.Said);
        Assert.Contains("1 of 4 decisions are dated after now: no model learns from them before (the first: line 4, '2099-02-01')", _folder.Said);
    }

    [Fact]
    public void The_first_ten_faults_of_a_file_are_told_and_some_may_be_gone_past()
    {
        _folder.Write("videos", $"id,price\n{V1},5\n{V2},6\n" + string.Concat(Enumerable.Range(0, 12).Select(i => $"00000000-0000-0000-0000-00000000000{i:x},cheap\n")));
        var lines = Refusal().Split('\n');
        Assert.Equal(11, lines.Length);
        Assert.StartsWith("videos.csv, line 4: column 'price' has 'cheap'", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("videos.csv, line 13", lines[9], StringComparison.Ordinal);

        IReadOnlyList<string> left = [];
        Assert.Equal(2, _folder.Read(new() { SkipBad = 12, LeftOut = rows => left = rows }).Videos.Count);
        Assert.Equal(12, left.Count);
        Assert.Contains("are more than the 11 that may be left out", Assert.Throws<InputException>(() => _folder.Read(new() { SkipBad = 11 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_bad_rows_leave_nothing_they_are_told_and_not_only_what_comes_of_them()
    {
        _folder.Write("videos", $"id,title,price\n{V1},one,\"9,50\"\n{V2},two,much\n");
        var none = Assert.Throws<InputException>(() => _folder.Read(new() { SkipBad = int.MaxValue })).Message.Split('\n');
        Assert.StartsWith("videos.csv, line 2: column 'price' has '9,50' where a number such as 980 or 980.50 was expected", none[0], StringComparison.Ordinal);
        Assert.StartsWith("videos.csv, line 3: column 'price' has 'much'", none[1], StringComparison.Ordinal);
        Assert.StartsWith("user_video_decisions.csv: 2 of 2 decisions name a video that isn't in videos.csv", none[2], StringComparison.Ordinal);

        _folder.Write("videos", $"id\n{V1}\n{V2}\n");
        _folder.Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},love,2025-02-01\n");
        none = Assert.Throws<InputException>(() => _folder.Read(new() { SkipBad = int.MaxValue })).Message.Split('\n');
        Assert.Contains("column 'decision_type' has 'love'", none[0], StringComparison.Ordinal);
        Assert.StartsWith("user_video_decisions.csv: none of its rows can be used.", none[1], StringComparison.Ordinal);
    }

    private string Refusal() => Assert.Throws<InputException>(() => _folder.Read()).Message;
}
