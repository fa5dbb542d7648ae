using System.Text.Json.Serialization;

namespace TwoTower.Cli.Demo;

/// <summary>What the demo shows in the end.</summary>
internal sealed record DemoResult(Uri Api, Uri Documentation, Uri Openapi, string ModelVersion, [property: JsonPropertyName("viewers")] IReadOnlyList<DemoUser> Users);

/// <summary>A user, what was liked, and what is recommended now.</summary>
/// <param name="Name">Display name.</param>
/// <param name="Likes">Likes in all.</param>
/// <param name="Taste">Tags that tell this user from others.</param>
/// <param name="Liked">The latest likes.</param>
/// <param name="Strategy">How the API chose.</param>
/// <param name="Recommended">What it answers, best first.</param>
internal sealed record DemoUser(
    Guid UserId, string? Name, int Likes, IReadOnlyList<string> Taste, IReadOnlyList<DemoVideo> Liked, string Strategy,
    IReadOnlyList<DemoVideo> Recommended);

/// <summary>A video as the demo shows it.</summary>
/// <param name="Tags">Its tags, those of the user's taste first.</param>
/// <param name="Score">The model's score; null for a like.</param>
internal sealed record DemoVideo(string Title, IReadOnlyList<string> Tags, double? Score);
