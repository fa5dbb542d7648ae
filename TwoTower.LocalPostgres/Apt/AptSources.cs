namespace TwoTower.LocalPostgres.Apt;

/// <summary>Reads apt's sources.list and deb822 .sources files.</summary>
internal static class AptSources
{
    private static readonly string[] Aliases = ["stable", "oldstable", "testing", "unstable", "sid", "devel"];

    /// <summary>All sources of a configuration folder such as /etc/apt, in apt's order.</summary>
    public static IReadOnlyList<AptSource> Read(string folder)
    {
        List<AptSource> sources = [];
        var main = Path.Combine(folder, "sources.list");
        if (File.Exists(main))
        {
            sources.AddRange(ParseList(File.ReadAllText(main)));
        }

        var parts = Path.Combine(folder, "sources.list.d");
        if (Directory.Exists(parts))
        {
            foreach (var file in Directory.EnumerateFiles(parts).Order(StringComparer.Ordinal))
            {
                sources.AddRange(Path.GetExtension(file) switch
                {
                    ".list" => ParseList(File.ReadAllText(file)),
                    ".sources" => ParseDeb822(File.ReadAllText(file)),
                    _ => [],
                });
            }
        }

        return sources;
    }

    /// <summary>One-line style: <c>deb [option=value …] uri suite component …</c>.</summary>
    public static IReadOnlyList<AptSource> ParseList(string text)
    {
        List<AptSource> sources = [];
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Split('#')[0].Trim();
            var options = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            var open = line.IndexOf('[', StringComparison.Ordinal);
            var close = line.IndexOf(']', StringComparison.Ordinal);

            // Only a bracket right after the type holds options; "cdrom:[…]" has one too.
            if (open >= 0 && close > open && line[..open].Trim() == "deb")
            {
                foreach (var option in Words(line[(open + 1)..close]))
                {
                    var pair = option.Split('=', 2);
                    options[pair[0].TrimEnd('+', '-')] = pair.Length == 2 ? pair[1] : "";
                }

                line = "deb " + line[(close + 1)..];
            }

            var words = Words(line);
            if (words.Length >= 3 && words[0] == "deb")
            {
                sources.Add(new AptSource
                {
                    Uris = [words[1]],
                    Suites = [words[2]],
                    Components = words[3..],
                    SignedBy = options.TryGetValue("signed-by", out var keys) ? keys.Replace(',', ' ') : null,
                    Trusted = IsYes(options.GetValueOrDefault("trusted")),
                });
            }
        }

        return sources;
    }

    /// <summary>Stanza style (deb822): fields, continuation lines that begin with a space, stanzas divided by empty lines.</summary>
    public static IReadOnlyList<AptSource> ParseDeb822(string text)
    {
        List<AptSource> sources = [];
        foreach (var stanza in Stanzas.Parse(text))
        {
            var uris = Words(stanza.GetValueOrDefault("URIs"));
            var suites = Words(stanza.GetValueOrDefault("Suites"));
            var enabled = stanza.GetValueOrDefault("Enabled");
            if (!Words(stanza.GetValueOrDefault("Types")).Contains("deb") || uris.Length == 0 || suites.Length == 0
                || (enabled is not null && !IsYes(enabled)))
            {
                continue;
            }

            sources.Add(new AptSource
            {
                Uris = uris,
                Suites = suites,
                Components = Words(stanza.GetValueOrDefault("Components")),
                SignedBy = stanza.GetValueOrDefault("Signed-By"),
                Trusted = IsYes(stanza.GetValueOrDefault("Trusted")),
            });
        }

        return sources;
    }

    /// <summary>The mirrors of the distribution's own archive, the likeliest first. Other archives name the distribution's
    /// suite too, so the distribution's key and the archive's usual path count.</summary>
    public static IReadOnlyList<AptMirror> MirrorsOf(IReadOnlyList<AptSource> sources, OsRelease os) =>
    [
        .. sources
            .Where(source => source.Components.Contains("main") && source.Suites.Any(suite => suite == os.Codename || Aliases.Contains(suite)))
            .SelectMany(source => source.Uris.Select(uri => new AptMirror(uri.TrimEnd('/'), source.SignedBy, source.Trusted)))
            .Where(static mirror => !mirror.Uri.StartsWith("cdrom:", StringComparison.Ordinal))
            .DistinctBy(static mirror => mirror.Uri)
            .OrderByDescending(mirror => Likelihood(mirror, os.Distribution)),
    ];

    private static int Likelihood(AptMirror mirror, string distribution) =>
        (mirror.SignedBy?.Contains($"{distribution}-archive-keyring", StringComparison.Ordinal) == true ? 2 : 0)
        + (mirror.Uri[(mirror.Uri.LastIndexOf('/') + 1)..].StartsWith(distribution, StringComparison.Ordinal) ? 1 : 0);

    private static string[] Words(string? text) =>
        (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static bool IsYes(string? value) => value?.Trim().ToUpperInvariant() is "YES" or "TRUE" or "ON" or "1" or "WITH" or "ENABLE";
}
