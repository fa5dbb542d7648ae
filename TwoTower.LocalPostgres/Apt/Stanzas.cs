using System.Text;

namespace TwoTower.LocalPostgres.Apt;

/// <summary>Debian's control format: stanzas of "Field: value" lines, used by sources, package lists and apt-cache.</summary>
internal static class Stanzas
{
    /// <summary>Field names are compared without case; a value keeps its continuation lines, each as it stands.</summary>
    public static IEnumerable<Dictionary<string, string>> Parse(string text)
    {
        var stanza = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string? field = null;
        var value = new StringBuilder();
        foreach (var raw in text.Split('\n').Append(""))
        {
            var line = raw.TrimEnd();
            if (line.StartsWith('#'))
            {
                continue;
            }

            if (line.Length > 0 && line[0] is ' ' or '\t' && field is not null)
            {
                value.Append('\n').Append(line);
                continue;
            }

            if (field is not null)
            {
                stanza[field] = value.ToString();
                field = null;
                value.Clear();
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line.Length == 0)
            {
                if (stanza.Count > 0)
                {
                    yield return stanza;
                    stanza = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                }
            }
            else if (colon > 0)
            {
                field = line[..colon];
                value.Append(line[(colon + 1)..].Trim());
            }
        }
    }
}
