using YamlDotNet.RepresentationModel;

namespace TwoTower.Repository.Tests;

/// <summary>Short ways through a YAML document.</summary>
internal static class Yaml
{
    /// <summary>The mapping that a file is.</summary>
    public static YamlMappingNode Read(string path)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(RepositoryFiles.Read(path)));
        return (YamlMappingNode)Assert.Single(stream.Documents).RootNode;
    }

    /// <summary>The value of a key; null where it isn't there.</summary>
    public static YamlNode? At(this YamlNode? node, string key) =>
        node is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    /// <summary>The text of a scalar; null for anything else.</summary>
    public static string? Text(this YamlNode? node) => (node as YamlScalarNode)?.Value;

    /// <summary>The keys of a mapping.</summary>
    public static IEnumerable<string> Keys(this YamlNode? node) =>
        node is YamlMappingNode map ? map.Children.Keys.Select(key => key.Text() ?? "") : [];

    /// <summary>The entries of a list, or the values of a mapping.</summary>
    public static IEnumerable<YamlNode> Items(this YamlNode? node) => node switch
    {
        YamlSequenceNode list => list.Children,
        YamlMappingNode map => map.Children.Values,
        _ => [],
    };
}
