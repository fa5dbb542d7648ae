namespace TwoTower.Core.Formats;

/// <summary>Ids as text. One form everywhere: in paths, queries and bodies, in files and on the command line.</summary>
internal static class Uuid
{
    /// <summary>What to write where an id was expected.</summary>
    public const string Expected = "a UUID such as 00000000-0000-0000-0000-000000000001";

    /// <summary>
    /// Reads 8-4-4-4-12 hexadecimal digits in either case. Refuses the other forms that .NET or PostgreSQL take: braces, no dashes, spaces,
    /// signs.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Guid id)
    {
        id = default;
        if (text.Length != 36) return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (i is 8 or 13 or 18 or 23 ? text[i] != '-' : !char.IsAsciiHexDigit(text[i])) return false;
        }

        return Guid.TryParseExact(text, "D", out id);
    }
}
