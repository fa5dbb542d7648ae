using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Generation;

/// <summary>A made-up video with what only its maker knows: its kinds, how good it is and how often it is shown.</summary>
/// <param name="Row">What the catalogue shows.</param>
/// <param name="Themes">Its kinds, by index in <see cref="Theme.All"/>: one or two, the main one first.</param>
/// <param name="Quality">How much more than others of its kind it is liked, about −1 to 1.</param>
/// <param name="Popularity">How often it comes before a user, relative to others.</param>
internal sealed record MadeVideo(VideoRow Row, int[] Themes, double Quality, double Popularity);
