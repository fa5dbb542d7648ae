using System.Globalization;
using System.Text;

namespace TwoTower.Embedding.Texts;

/// <summary>What happens to a text before it is split into tokens.</summary>
internal sealed record TextRules
{
    /// <summary>The form that <see cref="Apply"/> expects.</summary>
    public TextForm Form { get; init; }

    /// <summary>Lower-case letters only.</summary>
    public bool Lower { get; init; }

    /// <summary>Without accents and other non-spacing marks; of a text in form NFD.</summary>
    public bool StripMarks { get; init; }

    /// <summary>Each Chinese character is a word.</summary>
    public bool SplitCjk { get; init; }

    /// <summary>Without control and format characters.</summary>
    public bool Clean { get; init; }

    /// <summary>
    /// The text as the tokenizer takes it. Whatever is blank, a line's end too, is one space, none at the ends: the library would glue a
    /// line's last word to the next line's first.
    /// </summary>
    public string Apply(string text)
    {
        var result = new StringBuilder(text.Length);
        var blank = true; // nothing before it
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            if (IsBlank(rune, category))
            {
                if (!blank) result.Append(' ');
                blank = true;
                continue;
            }

            if (Clean && category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.PrivateUse) continue;
            if (rune.Value is 0 or 0xFFFD || (StripMarks && category == UnicodeCategory.NonSpacingMark)) continue;
            blank = false;
            var split = SplitCjk && IsCjk(rune.Value);
            if (split && result is not [] and not [.., ' ']) result.Append(' ');
            result.Append((Lower ? Rune.ToLowerInvariant(rune) : rune).ToString());
            if (split) result.Append(' ');
            blank = split;
        }

        return result.ToString().TrimEnd(' ');
    }

    // From 0x200B on: what SentencePiece's own rules make a space of.
    private static bool IsBlank(Rune rune, UnicodeCategory category) =>
        category is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || rune.Value is '\t' or '\n' or '\r' or 0x0B or 0x0C or 0x85 or 0x200B or 0x200E or 0x200F or 0x2581 or 0xFEFF;

    // The blocks that BERT's tokenizers take for Chinese characters; kana and Hangul aren't among them.
    private static bool IsCjk(int point) =>
        point is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B73F
            or >= 0x2B740 and <= 0x2B81F or >= 0x2B820 and <= 0x2CEAF or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F;
}
