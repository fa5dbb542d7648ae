namespace TwoTower.Core.Features;

/// <summary>
/// Orders strings by Unicode code point, as Python and Postgres' "C" collation do. .NET's ordinal order compares UTF-16 units, which
/// puts an emoji (surrogates, D800–DFFF) before U+E000–U+FFFF.
/// </summary>
internal sealed class CodePointComparer : IComparer<string>
{
    /// <summary>The comparer; it has no state.</summary>
    public static readonly CodePointComparer Instance = new();

    /// <inheritdoc />
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null) return x is null ? (y is null ? 0 : -1) : 1;
        var common = Math.Min(x.Length, y.Length);
        for (var i = 0; i < common; i++)
        {
            if (x[i] != y[i]) return Rank(x[i]).CompareTo(Rank(y[i]));
        }

        return x.Length.CompareTo(y.Length);
    }

    // Surrogates rank above every other unit, the rest keep their order.
    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
