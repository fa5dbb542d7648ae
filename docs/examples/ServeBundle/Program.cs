using System.Numerics.Tensors;
using TwoTower.Core.Bundles;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;

// dotnet run -- FOLDER OF A BUNDLE, FILE WITH A USER'S FEATURES
var bundle = await BundleReader.ReadAsync(args[0]);
using var tower = UserTower.FromFiles(bundle.Files);
var user = tower.Encode(UserPayload.Parse(await File.ReadAllTextAsync(args[1])), DateTimeOffset.UtcNow);

var best = new PriorityQueue<Guid, float>();
await foreach (var batch in bundle.ReadEmbeddingsAsync())
{
    for (var i = 0; i < batch.VideoIds.Count; i++)
    {
        best.Enqueue(batch.VideoIds[i], TensorPrimitives.Dot(user, batch[i].Span));
        if (best.Count > 10) best.Dequeue();
    }
}

foreach (var (video, score) in best.UnorderedItems.OrderByDescending(pair => pair.Priority)) Console.WriteLine($"{video} {score:0.000}");
