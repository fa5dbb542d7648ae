using System.Reflection;
using System.Text.Json;

namespace TwoTower.Core.Configuration;

/// <summary>The keys of a recipe, from its types: dotted snake_case paths such as <c>training.batch_size</c>.</summary>
internal static class RecipeKeys
{
    private static readonly RecipeKey[] Keys = [.. In(typeof(Recipe), "", null)];

    /// <summary>Every key that has a value, in file order.</summary>
    public static IReadOnlyList<RecipeKey> All => Keys;

    /// <summary>The keys that recipes of a kind have.</summary>
    public static IEnumerable<string> Of(RecipeKind kind) => Keys.Where(key => key.IsOf(kind)).Select(key => key.Path);

    /// <summary>A key by its path; null where there is none.</summary>
    public static RecipeKey? Find(string path) => Array.Find(Keys, key => key.Path == path);

    /// <summary>The properties of one level by key.</summary>
    public static IEnumerable<(string Key, PropertyInfo Property)> Level(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is not null)
        .Select(property => (JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name), property));

    /// <summary>True for the sections of a recipe, false for values.</summary>
    public static bool IsSection(Type type) => type.Namespace == typeof(Recipe).Namespace && type.IsClass;

    /// <summary>What a value of a type looks like, for messages.</summary>
    public static string Describe(Type type) => Type.GetTypeCode(Nullable.GetUnderlyingType(type) ?? type) switch
    {
        _ when type == typeof(RecipeKind) => string.Join(" or ", RecipeKinds.All.Select(kind => $"\"{kind.Text()}\"")),
        TypeCode.Boolean => "true or false",
        TypeCode.Int32 or TypeCode.Int64 => "a whole number",
        TypeCode.Double => "a number",
        TypeCode.String => "a text",
        _ when type == typeof(IReadOnlyList<int>) => "a list of whole numbers",
        _ when type == typeof(IReadOnlyList<double>) => "a list of numbers",
        _ when type == typeof(IReadOnlyList<string>) => "a list of texts",
        _ => type.Name,
    };

    private static IEnumerable<RecipeKey> In(Type type, string prefix, RecipeKind? kind) => Level(type).SelectMany(level =>
    {
        var own = level.Property.GetCustomAttribute<OnlyOfAttribute>()?.Kind ?? kind;
        return IsSection(level.Property.PropertyType)
            ? In(level.Property.PropertyType, $"{prefix}{level.Key}.", own)
            : [new(prefix + level.Key, level.Property, own)];
    });
}

/// <summary>A key of a recipe that has a value.</summary>
/// <param name="Path">Dotted: <c>training.batch_size</c>.</param>
/// <param name="Property">What holds the value.</param>
/// <param name="Kind">The kind whose recipes have it; null: all have it.</param>
internal sealed record RecipeKey(string Path, PropertyInfo Property, RecipeKind? Kind)
{
    /// <summary>Type of the value, where there is one.</summary>
    public Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>True where recipes of this kind have it.</summary>
    public bool IsOf(RecipeKind kind) => Kind is null || Kind == kind;
}
