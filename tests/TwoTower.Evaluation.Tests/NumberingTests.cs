using TwoTower.Core.Rows;
using TwoTower.Evaluation.Protocols;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class NumberingTests
{
    private static readonly Guid Id = Guid.Parse("11111111-2222-3333-4444-555555555555");

    [Fact]
    public void Numbers_are_in_the_names_where_everybody_has_one_of_his_own()
    {
        var numbers = new Numbering(Of([.. Likes(21, 260)]));
        Assert.True(numbers is { UsersByName: true, VideosByName: true });
        Assert.Equal(21, numbers.OfUser(Viewer(21)));
        Assert.Equal(260, numbers.OfVideo(Video(260)));
        Assert.True(numbers.UserEndsIn(Viewer(21), "1"));
    }

    [Fact]
    public void Elsewhere_a_number_is_the_head_of_the_sha256_of_the_id()
    {
        // printf 11111111-2222-3333-4444-555555555555 | sha256sum → 666ff6cc…
        var world = new TableSet([new ProfileRow(Id, "Ren", null), new ProfileRow(Viewer(1), "viewer 1", null)], [], []);
        var numbers = new Numbering(world);
        Assert.False(numbers.UsersByName);
        Assert.Equal(0x666ff6cc, numbers.OfUser(Id));
    }
}
