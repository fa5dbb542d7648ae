using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using static TwoTower.Datasets.Tests.Import.TableFolder;

namespace TwoTower.Datasets.Tests.Import;

/// <summary>What no model could use of a folder of tables is told, and a folder that leaves nothing is refused.</summary>
public sealed class LeftOverTests : IDisposable
{
    private const string U9 = "00000000-0000-0000-0000-0000000000a9";
    private const string V9 = "00000000-0000-0000-0000-0000000000f9";
    private readonly TableFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("2 of 2 decisions name a user who isn't in profiles.csv (the first: line 2, '" + U9 + "'): none is left", U9, V1, U9, V2)]
    [InlineData("1 of 2 decisions name a user who isn't in profiles.csv (the first: line 2, '" + U9 + "'), and 1 of 2 decisions name a video", U9, V1, U1, V9)]
    [InlineData("1 of 2 decisions name a user who isn't in profiles.csv (the first: line 3, '" + U9 + "'), and 1 of 2 decisions name a video", U9, V9, U9, V1)]
    [InlineData("2 of 2 decisions name a video that isn't in videos.csv", U1, V9, U9, V9)]
    public void Decisions_of_which_none_has_a_known_user_and_a_known_video_are_refused(string reason, params string[] ids)
    {
        Decide(ids);
        var message = Assert.Throws<InputException>(() => _folder.Read()).Message;
        Assert.StartsWith($"user_video_decisions.csv: {reason}", message, StringComparison.Ordinal);
        Assert.EndsWith("files mean the same ids.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_decision_that_can_be_used_is_enough()
    {
        Decide(U9, V1, U1, V9, U1, V1);
        Assert.Equal(3, _folder.Read().Decisions.Count);
    }

    [Theory]
    [InlineData("infinity", true)]
    [InlineData("Infinity", true)]
    [InlineData("20000-01-01", true)]
    [InlineData("10000-01-01 00:00:00+00", true)]
    [InlineData("294276-12-31 23:59:59.999999+00", true)]
    [InlineData("2999-01-01", true)]
    [InlineData("2025-02-01", false)]
    [InlineData("-infinity", false)]
    [InlineData("0044-03-15 00:00:00+00 BC", false)]
    [InlineData("4714-11-24 00:00:00+00 BC", false)]
    public void Decisions_dated_after_now_are_told_whatever_holds_their_time(string time, bool isAhead)
    {
        _folder.Write("user_video_decisions", $"user_id,video_id,decision_type,created_at\n{U1},{V1},like,2025-02-01\n{U2},{V2},nope,{time}\n");
        _folder.Read();
        IReadOnlyList<string> told = isAhead ? [$"1 of 2 {DecisionTimes.Ahead} (the first: line 3, '{time}')"] : [];
        Assert.Equal(told, _folder.Said.Where(line => line.Contains("after now", StringComparison.Ordinal)));

        // By a map too.
        var map = new ImportMap
        {
            Interactions = new() { File = "user_video_decisions.csv", User = "user_id", Item = "video_id", Time = "created_at", Decision = "decision_type" },
        };
        var said = new List<string>();
        using var set = MappedReader.Open(_folder.Path, map, "map.json", said.Add);
        set.ReadAll(said.Add);
        Assert.Equal(told, said.Where(line => line.Contains("after now", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("user_id")]
    [InlineData("user_id,display_name", "display_name")]
    [InlineData("User ID,Created At,shoe_size", "created_at")]
    [InlineData("user_id,created_at,display_name", "created_at", "display_name")]
    public void The_columns_of_profiles_that_the_file_has_are_known(string header, params string[] known)
    {
        var empty = new string(',', header.Count(letter => letter == ','));
        _folder.Write("profiles", $"{header}\n{U1}{empty}\n{U2}{empty}\n");
        Assert.Equal(known, _folder.Read().ProfileColumns!.Order(StringComparer.Ordinal));
    }

    private void Decide(params string[] ids) => _folder.Write("user_video_decisions", "user_id,video_id,decision_type,created_at\n"
        + string.Concat(ids.Chunk(2).Select(pair => $"{pair[0]},{pair[1]},like,2025-02-01\n")));
}
