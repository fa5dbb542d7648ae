using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Generation;

/// <summary>Makes up the videos of a catalogue.</summary>
internal sealed class VideoMaker
{
    /// <summary>What a made-up video has.</summary>
    public static readonly IReadOnlySet<string> Columns =
        new HashSet<string>([.. VideoColumns.Typed, "source", VideoColumns.Tags, VideoColumns.Performers]);

    private const int DaysOfReleases = 6 * 365;
    private readonly GeneratorOptions _options;
    private readonly StableRandom _random;
    private readonly string[][] _performers;
    private readonly string[][] _makers;
    private readonly HashSet<string> _titles = [];

    public VideoMaker(GeneratorOptions options, StableRandom random)
    {
        _options = options;
        _random = random;

        // Performers keep to a kind or two; a few dozen for each, the first of them in far more videos than the last.
        var names = Shuffled([.. Theme.GivenNames.SelectMany(given => Theme.FamilyNames.Select(family => $"{given} {family}"))]);
        var each = names.Length / Theme.All.Length;
        _performers = [.. Theme.All.Select((_, theme) => names[(theme * each)..((theme + 1) * each)])];
        _makers = [.. Theme.All.Select(_ => Shuffled(Theme.MakerWords)[..4].Select(word => $"{word} {random.Pick(["Pictures", "Films", "Studio", "Works"])}").ToArray())];
    }

    public MadeVideo Make(int number)
    {
        var main = _random.Below(Theme.All.Length);
        int[] themes = _random.Chance(0.35) ? [main, (main + 1 + _random.Below(Theme.All.Length - 1)) % Theme.All.Length] : [main];
        var theme = Theme.All[main];
        var age = DaysOfReleases * Math.Pow(_random.Uniform(), 1.6) + _random.Uniform(0.5, 3);
        var released = Whole(_options.Anchor.AddDays(-age));
        var quality = Math.Clamp(_random.Normal() * 0.45, -1, 1);
        var tags = Tags(themes);
        var price = (int)(theme.Price * _random.Uniform(0.6, 1.6) / 10) * 10 - (_random.Chance(0.5) ? 20 : 0);
        return new(
            new()
            {
                Id = NamedUuid.Of($"generated:{_options.Seed}:video:{number}"),
                ExternalId = $"demo:{number + 1}",
                Title = Title(theme),
                Description = Description(theme, tags),
                DurationSeconds = _random.Chance(0.01) ? null : (int)(theme.Minutes * 60 * Math.Exp(_random.Normal() * 0.18)),
                Maker = _random.PickEarly(_makers[main]),
                Price = _random.Chance(0.02) ? null : _random.Chance(0.04) ? 0 : price,
                DistributionStartedAt = released.AddDays(_random.Between(0, 30)) is var started
                    && started < _options.Anchor ? started : null,
                ProductReleasedAt = released,
                CreatedAt = released,
                SafetyLevel = _random.Chance(0.03) ? (short)2 : theme.Safety,
                RegionCodes = _random.Chance(0.08) ? _random.Chance(0.5) ? ["JP"] : ["JP", "US"] : [],
                Tags = tags,
                Performers = Performers(themes),
                OtherColumns = new Dictionary<string, string> { ["source"] = "demo" },
            },
            themes,
            quality,
            Math.Exp(_random.Normal() * 1.1 + quality * 0.8));
    }

    private string[] Tags(int[] themes)
    {
        // Some catalogues are careless: a few videos have no tag or one.
        if (_random.Chance(0.04)) return _random.Chance(0.5) ? [] : [Theme.All[themes[0]].Name];
        var tags = new HashSet<string>();
        foreach (var theme in themes)
        {
            tags.Add(Theme.All[theme].Name);
            for (var i = _random.Between(1, themes.Length == 1 ? 4 : 2); i > 0; i--) tags.Add(_random.PickEarly(Theme.All[theme].Tags));
        }

        if (_random.Chance(0.35)) tags.Add(_random.Pick(Theme.CommonTags));
        return [.. tags];
    }

    private string[] Performers(int[] themes)
    {
        var performers = new HashSet<string>();
        for (var i = _random.Between(0, 4); i > 0; i--) performers.Add(_random.PickEarly(_performers[_random.Pick(themes)]));
        return [.. performers];
    }

    private string Title(Theme theme)
    {
        var noun = _random.Pick(theme.Nouns);
        var title = _random.Below(5) switch
        {
            0 => $"The {_random.Pick(Theme.Adjectives)} {noun}",
            1 => $"{noun} of {_random.Pick(Theme.Places)}",
            2 => $"{_random.Pick(Theme.GivenNames)}'s {noun}",
            3 => $"{_random.Pick(Theme.Adjectives)} {noun}",
            _ => $"The {noun} and the {_random.Pick(theme.Nouns.Where(other => other != noun).ToArray())}",
        };

        var unique = title;
        for (var part = 2; !_titles.Add(unique); part++) unique = $"{title} {part}";
        return unique;
    }

    private static string Description(Theme theme, string[] tags) =>
        tags.Length > 1
            ? $"{char.ToUpperInvariant(theme.Name[0])}{theme.Name[1..]} with {string.Join(", ", tags.Skip(1))}."
            : $"{char.ToUpperInvariant(theme.Name[0])}{theme.Name[1..]}.";

    private T[] Shuffled<T>(IEnumerable<T> items)
    {
        var list = items.ToArray();
        for (var i = list.Length - 1; i > 0; i--)
        {
            var j = _random.Below(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }

        return list;
    }

    private static DateTimeOffset Whole(DateTimeOffset time) => new(time.UtcTicks - time.UtcTicks % TimeSpan.TicksPerMinute, TimeSpan.Zero);
}
