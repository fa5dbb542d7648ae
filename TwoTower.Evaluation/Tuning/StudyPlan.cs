using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Training;

namespace TwoTower.Evaluation.Tuning;

/// <summary>What the trials of a study have in common, so that they can be compared: <c>study.json</c>.</summary>
internal sealed record StudyPlan
{
    /// <summary>What the rows are called; a name may change.</summary>
    public required string DataName { get; init; }

    /// <summary>The rows (<see cref="DataFingerprint"/>).</summary>
    public required string DataFingerprint { get; init; }

    /// <summary>The protocol, with all that it depends on.</summary>
    public required JsonObject Protocol { get; init; }

    /// <summary>The recipe that is searched from.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Where it is searched.</summary>
    public required SearchSpace Space { get; init; }

    /// <summary>What each trial is trained with; the first one is the search's own.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>The file.</summary>
    public JsonObject ToJson() => new()
    {
        ["data"] = new JsonObject { ["name"] = DataName, ["fingerprint"] = DataFingerprint },
        ["protocol"] = Protocol.DeepClone(),
        ["seeds"] = JsonSerializer.SerializeToNode(Seeds),
        ["recipe"] = JsonNode.Parse(RecipeReader.ToJson(Recipe)),
        ["space"] = Space.ToJson(),
        ["trainer"] = Trainer,
    };

    /// <summary>Changes with every change of the program that trains.</summary>
    // Both take part in a trial's numbers: what trains, and what measures.
    private static string Trainer =>
        $"{typeof(StudyPlan).Assembly.GetName().Version!.ToString(3)}+{typeof(TrainJob).Module.ModuleVersionId:N}.{typeof(StudyPlan).Module.ModuleVersionId:N}";

    /// <summary>Refuses to go on with a study that was begun otherwise, with the first difference.</summary>
    /// <param name="begun">Its <c>study.json</c>.</param>
    /// <param name="folder">Its folder, for the message.</param>
    /// <returns>True where everything is the same; false where the program that trains is another one by now.</returns>
    /// <exception cref="InputException">It was begun otherwise.</exception>
    internal bool Continues(JsonObject begun, string folder)
    {
        // As this version writes recipes: one of before there were kinds is no other one for that.
        begun = begun.DeepClone().AsObject();
        begun["recipe"] = RecipeReader.Current(begun["recipe"]);
        var (before, now) = (Flat(begun, "").ToDictionary(), Flat(ToJson(), "").ToDictionary());
        foreach (var key in now.Keys.Union(before.Keys).Where(key => key is not ("data.name" or "trainer")))
        {
            var (was, has) = (before.GetValueOrDefault(key, "nothing"), now.GetValueOrDefault(key, "nothing"));
            if (was == has) continue;
            var what = key == "data.fingerprint"
                ? $"other rows: those of {begun["data"]?["name"]} then, {DataName} now, and not the same ones"
                : $"another {key}: {was} then, {has} now";
            throw new InputException($"the study {folder} was begun with {what}. Its trials can't be compared with new ones: go on as it was begun, or name another --study");
        }

        return before.GetValueOrDefault("trainer") == now["trainer"];
    }

    private static IEnumerable<(string, string)> Flat(JsonNode? node, string path) => node is JsonObject section && section.Count > 0
        ? section.SelectMany(pair => Flat(pair.Value, path.Length == 0 ? pair.Key : $"{path}.{pair.Key}"))
        : [(path, node?.ToJsonString() ?? "null")];
}
