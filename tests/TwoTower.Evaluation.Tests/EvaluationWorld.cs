using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Tests;

/// <summary>Tables whose viewers and videos have numbers: "viewer 17", "ml:17".</summary>
internal static class EvaluationWorld
{
    public static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Guid Viewer(int number) => new(number, 1, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

    public static Guid Video(int number) => new(number, 2, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

    /// <summary>The number of an item's video.</summary>
    public static int Number(Split split, int item) => int.Parse(split.Items[item].ExternalId![3..]);

    /// <summary>Every number of a decision becomes a viewer or a video; decisions are a minute apart, in the order given.</summary>
    public static TableSet Of(params (int Viewer, int Video, DecisionType Type)[] decisions) => new(
        [.. decisions.Select(d => d.Viewer).Distinct().Select(number => new ProfileRow(Viewer(number), $"viewer {number}", Start))],
        [.. decisions.Select(d => d.Video).Distinct().Select(number => new VideoRow { Id = Video(number), ExternalId = $"ml:{number}" })],
        [.. decisions.Select((d, minute) => new DecisionRow(Viewer(d.Viewer), Video(d.Video), d.Type, Start.AddMinutes(minute)))]);

    public static IEnumerable<(int, int, DecisionType)> Likes(int viewer, params int[] videos) =>
        videos.Select(video => (viewer, video, DecisionType.Like));

    public static IEnumerable<(int, int, DecisionType)> Nopes(int viewer, params int[] videos) =>
        videos.Select(video => (viewer, video, DecisionType.Nope));
}
