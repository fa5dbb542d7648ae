using System.Globalization;

namespace TwoTower.Datasets.Import;

/// <summary>Lists of numbers in one field.</summary>
internal static class NumberList
{
    /// <summary>Reads <c>[0.5,-1.25]</c> or <c>{0.5,-1.25}</c>. An empty list, and a number that isn't finite in single precision, is
    /// refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out float[] numbers)
    {
        numbers = [];
        text = text.Trim();
        if (text.Length < 2 || (text[0], text[^1]) is not (('[', ']') or ('{', '}'))) return false;
        text = text[1..^1];
        var parsed = new float[text.Count(',') + 1];
        var at = 0;
        foreach (var part in text.Split(','))
        {
            if (!float.TryParse(text[part], NumberStyles.Float, CultureInfo.InvariantCulture, out parsed[at])
                || !float.IsFinite(parsed[at])) return false;
            at++;
        }

        numbers = parsed;
        return true;
    }
}
