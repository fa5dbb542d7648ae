using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Inference;

public sealed class TowersTests
{
    private static readonly ReleaseFileSet Files = new("release golden", ReleaseFiles.Build(TestCheckpoints.Golden(), Golden.AsOf));
    private static readonly JsonElement Model = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden.Folder, "model.json"))).RootElement;

    [Fact]
    public void Golden_users_get_the_golden_embeddings_from_the_release_files_alone()
    {
        using var tower = UserTower.FromFiles(Files);
        var expected = Model.GetProperty("user_embeddings_start").Deserialize<double[][]>()!;
        for (var i = 0; i < expected.Length; i++)
        {
            var embedding = tower.Encode(Golden.UserPayloads[i], Golden.AsOf);
            for (var k = 0; k < 256; k++) Close.Equal(expected[i][k], embedding[k], $"user {i} [{k}]");
        }
    }

    [Fact]
    public void Golden_items_get_the_golden_embeddings_from_the_release_files_alone()
    {
        using var tower = ItemTower.FromFiles(Files);
        var expected = Model.GetProperty("item_embeddings_start").Deserialize<double[][]>()!;
        var embeddings = new float[expected.Length * 256];
        tower.Encode(Golden.ItemPayloads, embeddings);
        for (var i = 0; i < expected.Length; i++)
        {
            for (var k = 0; k < 256; k++) Close.Equal(expected[i][k], embeddings[i * 256 + k], $"item {i} [{k}]");
        }
    }

    [Fact]
    public void The_hash_of_a_video_changes_when_and_only_when_its_features_do()
    {
        using var tower = ItemTower.FromFiles(Files);
        var video = Golden.ItemPayloads[0];
        long Hash(TwoTower.Core.Features.ItemPayload payload)
        {
            var hashes = new long[1];
            tower.Encode([payload], new float[256], hashes);
            return hashes[0];
        }

        Assert.Equal(Hash(video), Hash(video with { Tags = [.. video.Tags.Reverse(), "no such tag in the vocabulary"] }));
        Assert.NotEqual(Hash(video), Hash(video with { Price = (video.Price ?? 0) + 1 }));
    }

    [Fact]
    public void A_release_without_an_item_tower_says_that_it_cannot_be_re_embedded()
    {
        var files = new ReleaseFileSet("release python", Files.Files.Where(file => file.Path != ArtifactNames.ItemTower));
        var error = Assert.Throws<InputException>(() => ItemTower.FromFiles(files));
        Assert.StartsWith("release python has no item_tower.onnx", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Towers_that_were_swapped_are_refused()
    {
        var swapped = new ReleaseFileSet("release swapped", Files.Files.Select(file => file.Path switch
        {
            ArtifactNames.UserTower => file with { Path = ArtifactNames.ItemTower },
            ArtifactNames.ItemTower => file with { Path = ArtifactNames.UserTower },
            _ => file,
        }));
        var error = Assert.Throws<InputException>(() => UserTower.FromFiles(swapped));
        Assert.Contains("user_tower.onnx of release swapped has the inputs item_features", error.Message, StringComparison.Ordinal);
    }
}
