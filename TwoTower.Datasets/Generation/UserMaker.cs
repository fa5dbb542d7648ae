using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Datasets.Generation;

/// <summary>
/// Makes up users and what they decide. A user has a few tastes, favourite performers, a sense of price and hours of the day; what a user
/// is shown is partly what the user looks for and partly what everyone is shown.
/// </summary>
internal sealed class UserMaker
{
    private const double MeanDecisions = 34;
    private readonly GeneratorOptions _options;
    private readonly StableRandom _random;
    private readonly IReadOnlyList<MadeVideo> _videos;
    private readonly Shelf _everything;
    private readonly Shelf[] _byTheme;

    public UserMaker(GeneratorOptions options, StableRandom random, IReadOnlyList<MadeVideo> videos)
    {
        _options = options;
        _random = random;
        _videos = videos;
        _everything = new(videos, _ => true);
        _byTheme = [.. Enumerable.Range(0, Theme.All.Length).Select(theme => new Shelf(videos, video => video.Themes.Contains(theme)))];
    }

    /// <summary>Makes one user and adds the user's decisions.</summary>
    public ProfileRow Make(int number, List<DecisionRow> decisions)
    {
        var created = Micros(_options.Anchor.AddDays(-_random.Uniform(2, 730)));
        var profile = new ProfileRow(
            NamedUuid.Of($"generated:{_options.Seed}:viewer:{number}"),
            $"{_random.Pick(Theme.GivenNames)} {_random.Pick(Theme.FamilyNames)[0]}. {number + 1}", created);
        if (!_random.Chance(0.04)) Decide(profile.UserId, created, decisions);
        return profile;
    }

    private void Decide(Guid user, DateTimeOffset created, List<DecisionRow> decisions)
    {
        var tastes = new double[Theme.All.Length];
        for (var theme = 0; theme < tastes.Length; theme++) tastes[theme] = _random.Uniform(-1.6, -0.4);
        int[] loved = [.. Enumerable.Range(0, _random.Between(2, 4)).Select(_ => _random.Below(tastes.Length))];
        foreach (var theme in loved) tastes[theme] = _random.Uniform(0.8, 1.6);
        var thrift = Math.Max(0, _random.Normal() * 0.35);
        var habit = _random.Uniform(17, 25);
        var favourites = new HashSet<string>();
        var seen = new HashSet<int>();
        var wanted = (int)Math.Clamp(MeanDecisions * Math.Exp(_random.Normal() * 0.8), 1, 400);

        for (var tries = wanted * 8; wanted > 0 && tries > 0; tries--)
        {
            var shelf = _random.Chance(0.6) ? _byTheme[_random.Pick(loved)] : _everything;
            if (shelf.Draw(_random) is not { } index || seen.Contains(index)) continue;
            var video = _videos[index];
            if (When(created, video, habit) is not { } at) continue;
            seen.Add(index);

            var taste = video.Themes.Max(theme => tastes[theme]) + 0.35 * (video.Themes.Average(theme => tastes[theme]));
            var pull = taste + video.Quality + (video.Row.Performers.Any(favourites.Contains) ? 0.7 : 0)
                - thrift * Math.Max(0, ((double?)video.Row.Price ?? 1500) - 1500) / 1000 + _random.Normal() * 0.6;

            // Who is of two minds passes on without deciding.
            if (Math.Abs(pull - 0.2) < 0.3) continue;
            wanted--;
            var liked = pull > 0.2;
            if (liked && favourites.Count < 3 && video.Row.Performers.Count > 0) favourites.Add(video.Row.Performers[0]);
            decisions.Add(new(user, video.Row.Id, liked ? DecisionType.Like : DecisionType.Nope, at));
        }
    }

    // In the evening, mostly; after the account and the release were there.
    private DateTimeOffset? When(DateTimeOffset created, MadeVideo video, double habit)
    {
        var from = video.Row.ProductReleasedAt > created ? video.Row.ProductReleasedAt.Value : created;
        var days = (_options.Anchor - from).TotalDays;
        var day = from.AddDays(days * _random.Uniform());
        var hour = (habit + _random.Normal() * 2.5 + 24) % 24;
        var at = Micros(new DateTimeOffset(day.UtcDateTime.Date, TimeSpan.Zero).AddHours(hour));
        return at > from && at <= _options.Anchor ? at : null;
    }

    private static DateTimeOffset Micros(DateTimeOffset time) =>
        new(time.UtcTicks - time.UtcTicks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
