using System.Text.RegularExpressions;

namespace TwoTower.Core.Rows;

/// <summary>Names of vectors in <c>two_tower.video_features</c>, such as <c>clip</c>.</summary>
internal static partial class VideoFeatureName
{
    /// <summary>What a name looks like, for messages.</summary>
    public const string Allowed = "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit";

    /// <summary>True for a name that the table takes.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z")]
    private static partial Regex Pattern();
}
