using System.Text.Json;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Tests.Releases;

public sealed class ReleaseTests
{
    [Theory]
    [InlineData("""{"kind":"history","history":{"max_items":5000}}""", true)]
    [InlineData("""{"kind":"statistics"}""", false)]
    [InlineData("""{"kind":1,"history":{"enabled":true}}""", false)]
    [InlineData("""{"history":{"enabled":true}}""", true)] // before recipes had kinds
    [InlineData("""{"history":{"enabled":false}}""", false)]
    [InlineData("""{"embedding_dim":256}""", false)]
    [InlineData("\"v2\"", false)]
    public void Vectors_of_history_recipes_are_nested(string config, bool nested) => Assert.Equal(nested, new Release
    {
        Id = 1,
        ModelVersion = "v3-1",
        State = ReleaseState.Ready,
        StateAt = DateTimeOffset.UnixEpoch,
        EmbeddingDim = 8,
        VectorType = VectorType.Vector,
        Config = JsonElement.Parse(config),
        Metrics = JsonElement.Parse("{}"),
        CreatedAt = DateTimeOffset.UnixEpoch,
    }.IsNested);
}
