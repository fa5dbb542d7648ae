namespace TwoTower.Web.Requests;

/// <summary>Which characters a text of a request may have.</summary>
internal static class RequestText
{
    /// <summary>
    /// A NUL or another control character, or half of a surrogate pair: PostgreSQL takes neither the first nor the last, and a line break
    /// would make two lines of a log out of one. Null: there is none.
    /// </summary>
    public static string? Refuse(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i])) return $"has a control character (U+{(int)text[i]:X4}) at position {i + 1}: leave it out.";
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return $"isn't valid Unicode at position {i + 1}.";
            i++;
        }

        return null;
    }
}
