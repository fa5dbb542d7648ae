using System.Reflection;
using System.Text.Json;

namespace TwoTower.Core.Configuration;

/// <summary>The keys of a recipe, from its types: dotted snake_case paths such as <c>training.batch_size</c>.</summary>
internal static class RecipeKeys
{
    /// <summary>How keys and values are written.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>Every key that has a value, in file order.</summary>
    public static IEnumerable<string> All() => Of(typeof(Recipe), "");

    /// <summary>The properties of one level by key.</summary>
    public static IEnumerable<(string Key, PropertyInfo Property)> Level(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is not null)
        .Select(property => (JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name), property));

    /// <summary>The type of the value at a key that exists.</summary>
    public static Type TypeOf(string key) =>
        key.Split('.').Aggregate(typeof(Recipe), (type, part) => Level(type).First(level => level.Key == part).Property.PropertyType);

    /// <summary>True for the sections of a recipe, false for values.</summary>
    public static bool IsSection(Type type) => type.Namespace == typeof(Recipe).Namespace && type.IsClass;

    /// <summary>What a value of a type looks like, for messages.</summary>
    public static string Describe(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "true or false",
        TypeCode.Int32 or TypeCode.Int64 => "a whole number",
        TypeCode.Double => "a number",
        TypeCode.String => "a text",
        _ when type == typeof(IReadOnlyList<int>) => "a list of whole numbers",
        _ when type == typeof(IReadOnlyList<double>) => "a list of numbers",
        _ when type == typeof(IReadOnlyList<string>) => "a list of texts",
        _ => type.Name,
    };

    private static IEnumerable<string> Of(Type type, string prefix) => Level(type).SelectMany(level =>
        IsSection(level.Property.PropertyType)
            ? Of(level.Property.PropertyType, $"{prefix}{level.Key}.")
            : [prefix + level.Key]);
}
