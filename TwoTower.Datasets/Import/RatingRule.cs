using System.Globalization;

namespace TwoTower.Datasets.Import;

/// <summary>Which ratings of five are likes and which are nopes, where nobody says otherwise.</summary>
internal static class RatingRule
{
    /// <summary>The least rating that is a like.</summary>
    public const double LikeFrom = 4;

    /// <summary>The greatest rating that is a nope; what lies between says nothing.</summary>
    public const double NopeTo = 2.5;

    /// <summary>The rule of likes for a column, as a map has it.</summary>
    public static string Like(string column) => string.Create(CultureInfo.InvariantCulture, $"{column} >= {LikeFrom}");

    /// <summary>The rule of nopes for a column, as a map has it.</summary>
    public static string Nope(string column) => string.Create(CultureInfo.InvariantCulture, $"{column} <= {NopeTo}");
}
