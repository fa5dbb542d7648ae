using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using TwoTower.Testing;

namespace TwoTower.Cli.Tests;

/// <summary>
/// docs/configuration.md is made from the classes that are configured: every type with a constant Section, its properties, their defaults,
/// ranges and summaries. With TWOTOWER_UPDATE_DOCS=1 in the environment the test writes the page instead of comparing it.
/// </summary>
public partial class SettingsDocumentTests
{
    private const string Begin = "<!-- settings: made by SettingsDocumentTests, not by hand -->\n", End = "<!-- end of settings -->\n";

    // Defaults that differ between machines.
    private static readonly Dictionary<string, string> DependsOnTheMachine = new()
    {
        ["EmbedOptions.Workers"] = "cores, at most 8",
        ["VectorIndexOptions.ParallelWorkers"] = "cores − 1, at most 3",
    };

    [Fact]
    public void The_page_of_settings_is_what_the_classes_say()
    {
        var path = Path.Combine(PostgresFixture.RepositoryRoot(), "docs", "configuration.md");
        var page = File.ReadAllText(path).Replace("\r\n", "\n", StringComparison.Ordinal);
        var begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= Begin.Length && end >= begin, $"{path} has lost its marks");

        var made = Settings();
        if (Environment.GetEnvironmentVariable("TWOTOWER_UPDATE_DOCS") == "1") File.WriteAllText(path, page[..begin] + made + page[end..]);
        else Assert.True(page[begin..end] == made, "docs/configuration.md is out of date: TWOTOWER_UPDATE_DOCS=1 dotnet test tests/TwoTower.Cli.Tests --filter SettingsDocument");
    }

    [Fact]
    public void Sections_nested_options_ranges_and_summaries_are_found()
    {
        var made = Settings();

        Assert.Contains("## `TwoTower:Gate`", made, StringComparison.Ordinal);
        Assert.Contains("| `Embedding:Index:M` | 16 | 2 to 100 | Links of a node.", made, StringComparison.Ordinal);
        Assert.Contains("| `PollInterval` | 2 s | 0.1 s to 1 d |", made, StringComparison.Ordinal);
        Assert.DoesNotContain("| |\n", made, StringComparison.Ordinal);
    }

    private static string Settings()
    {
        var text = new StringBuilder();
        foreach (var (section, type) in Sections())
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## `{section}`\n\n{Summary(type)}\n\n| key | default | range | what it does |\n| --- | --- | --- | --- |\n");
            foreach (var (key, property, value) in Properties(type, "", Activator.CreateInstance(type)!))
            {
                text.Append(CultureInfo.InvariantCulture, $"| `{key}` | {Default(property, value)} | {Range(property)} | {Summary(property)} |\n");
            }
        }

        return text.Append('\n').ToString();
    }

    private static IEnumerable<(string Section, Type Type)> Sections() =>
        from type in Assemblies().SelectMany(assembly => assembly.GetTypes())
        let section = type.GetField("Section", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        where section is { IsLiteral: true } && type is { IsAbstract: false }
        let name = section.GetRawConstantValue() as string
        where name.StartsWith("TwoTower:", StringComparison.Ordinal)
        orderby name
        select (name, type);

    private static IEnumerable<Assembly> Assemblies() => Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
        .Select(file => Path.GetFileNameWithoutExtension(file))
        .Where(name => name == "twotower" || (name.StartsWith("TwoTower.", StringComparison.Ordinal) && !name.Contains("Test", StringComparison.Ordinal)))
        .Order(StringComparer.Ordinal)
        .Select(Assembly.Load);

    private static IEnumerable<(string Key, PropertyInfo Property, object? Value)> Properties(Type type, string prefix, object instance)
    {
        foreach (var property in type.GetProperties().Where(property => property.CanWrite))
        {
            var value = property.GetValue(instance);
            var nested = property.PropertyType.Assembly.GetName().Name!.StartsWith("TwoTower", StringComparison.Ordinal) && property.PropertyType.IsClass;
            if (value is IDictionary) yield return (prefix + "NAME", property, null); // a setting for each name
            else if (!nested) yield return (prefix + property.Name, property, value);
            // What has a section of its own is described there.
            else if (property.PropertyType.GetField("Section") is null)
            {
                foreach (var inner in Properties(property.PropertyType, $"{prefix}{property.Name}:", value!)) yield return inner;
            }
        }
    }

    private static string Default(PropertyInfo property, object? value) =>
        DependsOnTheMachine.GetValueOrDefault($"{property.DeclaringType!.Name}.{property.Name}") ?? value switch
        {
            null or "" => "–",
            TimeSpan time => Duration(time),
            bool flag => flag ? "true" : "false",
            string text => $"`{text.Replace('\\', '/')}`",
            Enum name => $"`{name.ToString().ToLowerInvariant()}`",
            IEnumerable list => string.Join(", ", list.Cast<object>()),
            IFormattable number => number.ToString(value is int or long ? "N0" : null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };

    private static string Range(PropertyInfo property)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is not { } range)
        {
            var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            return type.IsEnum ? string.Join(", ", Enum.GetNames(type).Select(name => $"`{name.ToLowerInvariant()}`")) : type == typeof(bool) ? "true, false" : "–";
        }

        return range.OperandType == typeof(TimeSpan)
            ? $"{Duration(TimeSpan.Parse((string)range.Minimum, CultureInfo.InvariantCulture))} to {Duration(TimeSpan.Parse((string)range.Maximum, CultureInfo.InvariantCulture))}"
            : string.Create(CultureInfo.InvariantCulture, $"{Number(range.Minimum)} to {Number(range.Maximum)}");

        static string Number(object value) => ((IFormattable)value).ToString(value is int ? "N0" : null, CultureInfo.InvariantCulture);
    }

    private static string Duration(TimeSpan time) => time switch
    {
        { Ticks: > 0 } when time.Ticks % TimeSpan.TicksPerDay == 0 => $"{time.TotalDays} d",
        { Ticks: > 0 } when time.Ticks % TimeSpan.TicksPerHour == 0 => $"{time.TotalHours} h",
        { Ticks: > 0 } when time.Ticks % TimeSpan.TicksPerMinute == 0 => $"{time.TotalMinutes} min",
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds} s"),
    };

    private static string Summary(MemberInfo member)
    {
        var type = member as Type ?? member.DeclaringType!;
        var name = member is Type ? $"T:{type.FullName}" : $"P:{type.FullName}.{member.Name}";
        var file = Path.Combine(AppContext.BaseDirectory, $"{type.Assembly.GetName().Name}.xml");
        var summary = XDocument.Load(file).Descendants("member").FirstOrDefault(entry => entry.Attribute("name")?.Value == name)?.Element("summary")
            ?? throw new InvalidOperationException($"{file} has no summary of {name}: a setting without one can't be used.");
        var text = string.Concat(summary.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "see" or "paramref" } link => $"`{link.Attributes().First().Value.Split('.', ':')[^1]}`",
            XElement code => $"`{code.Value}`",
            XText words => words.Value,
            _ => "",
        }));
        return Spaces().Replace(text, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
