namespace TwoTower.Cli.Demo;

/// <summary>What the demo shows in the end.</summary>
internal sealed record DemoResult(Uri Api, Uri Documentation, Uri Openapi, string ModelVersion, IReadOnlyList<DemoViewer> Viewers);

/// <summary>A viewer, what he liked and what he gets now.</summary>
/// <param name="UserId">The viewer.</param>
/// <param name="Name">Display name.</param>
/// <param name="Likes">Likes in all.</param>
/// <param name="Taste">Tags that set him apart from other viewers.</param>
/// <param name="Liked">His latest likes.</param>
/// <param name="Strategy">How the API chose.</param>
/// <param name="Recommended">What it answers, best first.</param>
internal sealed record DemoViewer(
    Guid UserId, string? Name, int Likes, IReadOnlyList<string> Taste, IReadOnlyList<DemoVideo> Liked, string Strategy, IReadOnlyList<DemoVideo> Recommended);

/// <summary>A video as the demo shows it.</summary>
/// <param name="Title">Title.</param>
/// <param name="Tags">Its tags, those of the viewer's taste first.</param>
/// <param name="Score">The model's score; null for a like.</param>
internal sealed record DemoVideo(string Title, IReadOnlyList<string> Tags, double? Score);
