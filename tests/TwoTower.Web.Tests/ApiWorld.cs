using System.Text.Json;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>The golden world with an active release, and the API over it; made once for tests that only read.</summary>
public sealed class ApiWorld(PostgresFixture postgres) : IAsyncLifetime
{
    public static readonly Guid Stranger = new("00000000-0000-0000-0000-00000000beef");

    public TestDatabase Database { get; private set; } = null!;

    internal ApiHost Api { get; private set; } = null!;

    internal Release Release { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Database = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(Database);
        Release = await TestReleases.ActivateAsync(Database, TestCheckpoints.Random());
        Api = await ApiHost.StartAsync(Database);
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Database.DisposeAsync();
    }

    /// <summary>A viewer of the golden world with likes.</summary>
    public static Guid Viewer => Golden.UserPayloads.First(user => user.DecisionStats is { LikeCount: > 3, NopeCount: > 1 }).UserId;

    public static List<Guid> Ids(JsonElement answer) => [.. answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid())];
}
