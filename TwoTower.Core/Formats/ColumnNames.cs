namespace TwoTower.Core.Formats;

/// <summary>Something with columns: a file, or a table of a database.</summary>
internal interface INamedColumns
{
    /// <summary>What it is called, for messages.</summary>
    string Name { get; }

    /// <summary>Column names as they are written.</summary>
    IReadOnlyList<string> Header { get; }
}

/// <summary>How names of columns in files and tables are matched with those that are known.</summary>
internal static class ColumnNames
{
    /// <summary>The columns of a name: those that are written so, or else those that differ in case, spaces, hyphens and underscores
    /// only.</summary>
    public static IReadOnlyList<int> Find(IReadOnlyList<string> header, string name)
    {
        var exact = Where(header, written => written == name);
        return exact.Count > 0 ? exact : Where(header, written => Plain(written) == Plain(name));
    }

    /// <summary>What to tell about the columns that nothing reads.</summary>
    public static IEnumerable<string> Ignored(INamedColumns file, IReadOnlyList<string> known)
    {
        var read = known.SelectMany(name => Find(file.Header, name)).ToHashSet();
        var free = known.Where(name => Find(file.Header, name).Count == 0).ToList();
        for (var at = 0; at < file.Header.Count; at++)
        {
            if (read.Contains(at)) continue;
            var near = Nearest(file.Header[at], free);
            yield return $"{file.Name}: column '{file.Header[at]}' is ignored{(near is null ? "" : $"; is '{near}' meant?")}";
        }
    }

    /// <summary>A sentence for a missing column that some other one may be; or nothing.</summary>
    public static string Hint(IReadOnlyList<string> header, string name) =>
        Nearest(name, header) is { } near ? $". Is '{near}' meant? Rename it" : "";

    private static string? Nearest(string name, IEnumerable<string> candidates)
    {
        var plain = Plain(name);
        var best = candidates
            .Select(candidate => (candidate, distance: Distance(plain, Plain(candidate))))
            .Where(pair => pair.distance <= Math.Max(1, plain.Length / 4))
            .OrderBy(pair => pair.distance)
            .FirstOrDefault();
        return best.candidate;
    }

    private static List<int> Where(IReadOnlyList<string> header, Func<string, bool> matches) =>
        [.. Enumerable.Range(0, header.Count).Where(at => matches(header[at]))];

    private static string Plain(string name) =>
        string.Concat(name.Where(letter => !char.IsWhiteSpace(letter) && letter is not ('_' or '-'))).ToLowerInvariant();

    // Levenshtein's distance: letters to change, add or leave out.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
