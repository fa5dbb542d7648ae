using System.Text.Json;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Testing;

/// <summary>The golden world (tests/golden): its tables and what must come out of them, computed by an independent oracle.</summary>
internal static class Golden
{
    /// <summary>Folder with the golden files, in the test's output.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>The tables: 80 profiles, 140 videos, 1,644 decisions, in file order.</summary>
    public static TableSet Tables { get; } = CsvTableReader.Read(Folder);

    /// <summary>The 81 user payloads: profiles in file order, then the user without one.</summary>
    public static IReadOnlyList<UserPayload> UserPayloads { get; } = [.. Entries("user_payloads.json").Select(UserPayload.Parse)];

    /// <summary>The payload of each video in file order.</summary>
    public static IReadOnlyList<ItemPayload> ItemPayloads { get; } = [.. Entries("item_payloads.json").Select(ItemPayload.Parse)];

    /// <summary>features.json.</summary>
    public static JsonElement Features { get; } = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "features.json"))).RootElement;

    /// <summary>As-of of everything in features.json.</summary>
    public static DateTimeOffset AsOf { get; } = Features.GetProperty("as_of").GetDateTimeOffset();

    /// <summary>A property of features.json that is a list of rows of numbers.</summary>
    public static double[][] Rows(string property) => Features.GetProperty(property).Deserialize<double[][]>()!;

    /// <summary>A property of features.json that is a list of strings.</summary>
    public static string[] Strings(string property) => Features.GetProperty(property).Deserialize<string[]>()!;

    private static IEnumerable<string> Entries(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file))).RootElement.EnumerateArray().Select(entry => entry.GetRawText());
}
