using System.Text.Json.Serialization;

namespace TwoTower.Core.Configuration;

/// <summary>What kind of model a recipe trains.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RecipeKind>))]
public enum RecipeKind
{
    /// <summary>Both towers read statistics: numbers, tags and performers of a user's likes, or of a video (recipes v2, v2-fast,
    /// v2-taste).</summary>
    [JsonStringEnumMemberName("statistics")]
    Statistics,

    /// <summary>The user tower reads the history itself: sums of vectors of the liked and of the noped videos (recipe v3).</summary>
    [JsonStringEnumMemberName("history")]
    History,
}

/// <summary>A key, or all keys of a section, that only recipes of one kind have.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OnlyOfAttribute(RecipeKind kind) : Attribute
{
    /// <summary>The kind.</summary>
    public RecipeKind Kind => kind;
}
