using System.Globalization;
using System.Numerics.Tensors;
using TorchSharp;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Quality;
using TwoTower.Training.Factors;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Histories;

/// <summary>
/// Chooses the settings that a recipe leaves to the data (<see cref="HistoryOptions.Choose"/>): the three closed-form models are fitted without some
/// users, who are then asked for a fifth of their likes. How the parts are put together is tried one setting at a time, on scores that are
/// computed once; the linear model's regularisations, each of which is a further fit, as far as the budget goes. Of a catalogue too large
/// for it the videos with the most decisions are looked at. The budget counts arithmetic, not time: the same seed, data and thread count
/// choose the same.
/// </summary>
internal sealed class SettingsSearch(
    Interactions whole, HistoryOptions start, int seed, torch.Device device, int threads, Action<string>? say, CancellationToken ct,
    double mostWork = SettingsSearch.MostWork)
{
    private const string Ridge = "ridge", ContentWeight = "content_weight", Share = "factors_share", TasteWeight = "taste_weight", Discount = "popularity_discount", TrendWeight = "trend_weight";

    private const int LeastLikes = 5, Parts = 5;
    private const int LeastUsers = 20, MostUsers = 600, EnoughUsers = 300;

    // Cubes of the linear model's size, summed over its fits.
    private const double MostWork = 6e11;

    // Fits that the budget has room for where the catalogue is cut down.
    private const int FitsOfHead = 4;

    // Of the sweeps of a fit: the final one begins where this one ends.
    private const int FewerSweeps = 3;

    // A change is kept when it gains more than this many standard errors of the paired difference, and costs no more than so much uAUC.
    private const double LeastGain = 0.5, MostUAucLost = 0.01;

    private const double Z95 = 1.96;

    // What is tried of each, in this order; of the regularisations, times what the recipe begins with, in the recipe's unit.
    private static readonly (string Key, double[] Values)[] Blend =
    [
        (Discount, [0, -0.5, 0.7, -1, -2]),
        (Share, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (TasteWeight, [0, 0.6, 1.3, 2.5]),
        (TrendWeight, [0, 0.5, 1]),
    ];

    private static readonly (string Key, double Factor)[] Regularisations =
        [(Ridge, 1 / 3.0), (Ridge, 3), (ContentWeight, 0), (ContentWeight, 1 / 3.0), (ContentWeight, 3)];

    private readonly List<TriedSettings> _tried = [];

    // What the search looks at.
    private readonly Interactions _data = Affordable(whole, mostWork);

    private Interactions Data => _data;

    private HistoryOptions Begin => start;

    private int Seed => seed;

    private torch.Device Device => device;

    private int Threads => threads;

    private CancellationToken Stop => ct;

    private readonly ParallelOptions _parallel = new() { CancellationToken = ct, MaxDegreeOfParallelism = threads };

    /// <summary>Chooses.</summary>
    /// <returns>The options to train with, nothing left to choose; how they were chosen; the factors of the first fit, to begin the last
    /// one with.</returns>
    public (HistoryOptions Options, ChosenSettings Chosen, FittedFactors? Near) Run()
    {
        var current = Start();
        var folds = Folds();
        if (folds.Length == 0)
        {
            say?.Invoke($"fewer than {LeastUsers} users with {LeastLikes} likes: nothing is chosen on them, and the recipe's values are used");
            return (Resolve(whole, current), Record(current, null, null), null);
        }

        var asked = folds.Select(users => new LeftOut(this, users)).ToList();
        say?.Invoke(
            $"settings are chosen on {folds.Sum(users => users.Length):N0} users, left out {(folds.Length == 1 ? "at once" : $"in {folds.Length} parts")}"
            + (_data == whole ? "" : $", and the {_data.Videos.Count:N0} videos with the most decisions"));
        var best = Measure(asked, current);
        var uAuc = best.UAuc;
        Note(current, best, kept: true);
        Improve([.. Blend, .. Blend]);
        if (Regularise()) Improve(Blend);

        var popularity = Measure(asked, null);
        var chosen = Record(current, best, popularity);
        say?.Invoke(
            $"chosen: {string.Join(", ", chosen.Values.Select(pair => $"{pair.Key} {Show(pair.Value)}"))}; ndcg@100 {Show(chosen.Reached)}, popularity {Show(chosen.Popularity)}");
        if (chosen.ServesPopularity)
        {
            say?.Invoke(
                $"nothing here beats popularity beyond chance (ndcg@100 {Show(chosen.Reached)} against {Show(chosen.Popularity)}, the difference with 95 % between "
                + $"{Show(chosen.GainLow)} and {Show(chosen.GainHigh)}): the release serves what is popular. --set history.choose= trains the models all the same");
        }

        return (Resolve(whole, current), chosen, _data == whole ? asked[0].Near : null);

        void Improve(IEnumerable<(string Key, double[] Values)> settings)
        {
            foreach (var (key, values) in settings)
            {
                if (!start.Chooses(key) || (key == TasteWeight && !_data.HasNopes)) continue;
                foreach (var value in values)
                {
                    if (current[key] != value) Try(Changed(key, value));
                }
            }
        }

        bool Regularise()
        {
            var work = Math.Pow(LinearModel.Size(_data.Videos.Count, _data.HasNopes), 3) * asked.Count;
            var left = mostWork - work;
            var any = false;
            foreach (var (key, factor) in Regularisations)
            {
                if (!start.Chooses(key) || left < work || (key == ContentWeight && !asked[0].HasContent)) continue;
                left -= work;
                var changed = Changed(key, Start()[key] * factor);
                foreach (var fold in asked) fold.FitLinear(changed);
                var kept = Try(changed);
                foreach (var fold in asked) fold.Keep(kept);
                any |= kept;
            }

            return any;
        }

        Dictionary<string, double> Changed(string key, double value) => new(current) { [key] = value };

        bool Try(Dictionary<string, double> settings)
        {
            ct.ThrowIfCancellationRequested();
            var answer = Measure(asked, settings);
            var (gain, error) = Difference(answer.Ndcg, best.Ndcg);
            var kept = gain > LeastGain * error && !(answer.UAuc < uAuc - MostUAucLost);
            Note(settings, answer, kept);
            if (kept) (current, best) = (settings, answer);
            return kept;
        }
    }

    private static Interactions Affordable(Interactions whole, double mostWork)
    {
        var (items, size) = (whole.Videos.Count, LinearModel.Size(whole.Videos.Count, whole.HasNopes));
        return Math.Pow(size, 3) <= mostWork ? whole : whole.Head((int)(items * Math.Cbrt(mostWork / FitsOfHead) / size));
    }

    // The recipe's values of what is put together and regularised.
    private Dictionary<string, double> Start() => new()
    {
        [Ridge] = start.RidgePerD ?? start.Ridge,
        [ContentWeight] = start.ContentWeightPerD ?? start.ContentWeight,
        [Share] = start.FactorsShare,
        [TasteWeight] = start.Chooses(TasteWeight) && !whole.HasNopes ? 0 : start.TasteWeight,
        [Discount] = start.PopularityDiscount,
        [TrendWeight] = start.TrendWeight,
    };

    // Settings as the fit of some decisions takes them: what is per d in the recipe is in units of these decisions.
    private HistoryOptions Resolve(Interactions decisions, Dictionary<string, double> settings)
    {
        var inUnits = start with
        {
            Ridge = settings[Ridge],
            RidgePerD = start.RidgePerD is null ? null : settings[Ridge],
            ContentWeight = settings[ContentWeight],
            ContentWeightPerD = start.ContentWeightPerD is null ? null : settings[ContentWeight],
        };
        return LinearModel.Absolute(inUnits, decisions) with
        {
            Choose = null,
            FactorsShare = settings[Share],
            TasteWeight = settings[TasteWeight],
            PopularityDiscount = settings[Discount],
            TrendWeight = settings[TrendWeight],
        };
    }

    // Users to leave out at once. Few users are left out in turn, as long as another fit is cheap.
    private int[][] Folds()
    {
        int[] users = [.. Enumerable.Range(0, _data.Users.Count).Where(user => _data.Users[user].Likes.Length >= LeastLikes)];
        if (users.Length < LeastUsers) return [];
        new SeededRandom(seed, RandomPurpose.LeftOut).Shuffle<int>(users);
        var size = Math.Min(MostUsers, Math.Max(1, users.Length / Parts));
        var affordable = mostWork / Math.Pow(LinearModel.Size(_data.Videos.Count, _data.HasNopes), 3) / 2;
        var count = (int)Math.Clamp(Math.Min(affordable, Math.Ceiling((double)EnoughUsers / size)), 1, Parts);
        return [.. Enumerable.Range(0, count).Select(fold => users[(fold * size)..((fold + 1) * size)])];
    }

    private void Note(Dictionary<string, double> settings, (double[] Ndcg, double? UAuc) answer, bool kept) =>
        _tried.Add(new(Chosen(settings), answer.Ndcg.Average(), answer.UAuc, kept));

    private Dictionary<string, double> Chosen(Dictionary<string, double> settings) =>
        settings.Where(pair => start.Chooses(pair.Key)).ToDictionary();

    private ChosenSettings Record(
        Dictionary<string, double> settings, (double[] Ndcg, double? UAuc)? best, (double[] Ndcg, double? UAuc)? popularity)
    {
        var final = Resolve(whole, settings);
        var values = Chosen(settings);
        if (values.ContainsKey(Ridge)) values[Ridge] = final.Ridge;
        if (values.ContainsKey(ContentWeight)) values[ContentWeight] = final.ContentWeight;
        var unit = LinearModel.MeanDiagonal(whole.Users, whole.Videos.Count, start);
        if (best is not { } reached || popularity is not { } popular) return new("ndcg_100", 0, unit, values, 0, 0, 0, 0, false, []);
        var (gain, error) = Difference(reached.Ndcg, popular.Ndcg);
        var (low, high) = (gain - Z95 * error, gain + Z95 * error);
        return new("ndcg_100", reached.Ndcg.Length, unit, values, popular.Ndcg.Average(), reached.Ndcg.Average(), low, high, low <= 0, _tried);
    }

    // Of paired numbers: the mean difference, and its standard error.
    private static (double Mean, double Error) Difference(double[] ours, double[] theirs)
    {
        double[] differences = [.. ours.Zip(theirs, (a, b) => a - b)];
        var mean = differences.Average();
        return (mean, Math.Sqrt(differences.Sum(x => (x - mean) * (x - mean)) / Math.Max(1, differences.Length - 1) / differences.Length));
    }

    // Null: popularity alone.
    private static (double[] Ndcg, double? UAuc) Measure(IEnumerable<LeftOut> folds, Dictionary<string, double>? settings)
    {
        var answers = folds.SelectMany(fold => fold.Ask(settings)).ToList();
        double[] judged = [.. answers.Select(answer => answer.UAuc).OfType<double>()];
        return ([.. answers.Select(answer => answer.Ndcg)], judged.Length == 0 ? null : judged.Average());
    }

    private static string Show(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    // Users who were left out of a fit, and what its parts say of their videos.
    private sealed class LeftOut
    {
        private readonly SettingsSearch _search;
        private readonly Interactions _learned;
        private readonly (int[] Likes, int[] Nopes, HashSet<int> Targets, int[] Avoid)[] _users;
        private readonly float[] _popularity, _trend, _factors, _taste; // [items], [items], [users × items], [users × items]
        private readonly ContentVectors _contents;
        private float[] _linear, _before; // [users × items]

        public LeftOut(SettingsSearch search, int[] users)
        {
            var data = search.Data;
            _search = search;
            var random = new SeededRandom(search.Seed + users[0], RandomPurpose.LeftOut);
            _users = [.. users.Select(user => Split(data.Users[user], random))];
            var isOut = users.ToHashSet();
            _learned = data.Of([.. Enumerable.Range(0, data.Users.Count).Where(user => !isOut.Contains(user))]);
            _contents = new(data.Videos);
            _popularity = ClosedFormModel.Popularity(_learned);
            _trend = [.. ClosedFormModel.Trend(_learned).Select(late => (float)late)];
            var fitted = search.Resolve(_learned, search.Start()) with { Sweeps = Math.Max(1, search.Begin.Sweeps - FewerSweeps) };
            var parts = ClosedFormModel.FitParts(_learned, fitted, search.Seed, search.Device, search.Threads, null, search.Stop);

            // Not the linear model: its matrix is most of what a training takes, and the final fit makes another.
            Near = new(parts.Factors, parts.Taste);
            _linear = _before = Linear(parts.Linear);
            (_factors, _taste) = (new float[_linear.Length], new float[_linear.Length]);
            Parallel.For(0, _users.Length, search._parallel, user =>
            {
                var row = _factors.AsSpan(user * Items, Items);
                parts.ScoreFactors(_users[user].Likes, row, new float[parts.Factors.Dim], new NormalEquations(parts.Factors.Dim));
                ClosedFormModel.Standardize(row);
                parts.Taste.LogProbabilities(
                    _users[user].Likes, _users[user].Nopes, _taste.AsSpan(user * Items, Items), new NormalEquations(parts.Taste.Dim + 1));
            });
        }

        public FittedFactors Near { get; }

        public bool HasContent => _contents.TokenCount > 0;

        private int Items => _popularity.Length;

        public void FitLinear(Dictionary<string, double> settings)
        {
            _before = _linear;
            _linear =
                Linear(LinearModel.Fit(
                    _learned.Users, _contents, _search.Resolve(_learned, settings), _search.Device, _search.Threads, _search.Stop));
        }

        public void Keep(bool kept) => _linear = kept ? _linear : _before;

        public (double Ndcg, double? UAuc)[] Ask(Dictionary<string, double>? settings)
        {
            var answers = new (double, double?)[_users.Length];
            Parallel.For(0, _users.Length, _search._parallel, () => new float[Items], (user, _, scores) =>
            {
                Score(user, settings, scores);
                var (likes, nopes, targets, avoid) = _users[user];
                var head = new RankingHead(100);
                var known = likes.Concat(nopes).ToHashSet();
                for (var item = 0; item < scores.Length; item++)
                {
                    if (head.Takes(item, scores[item]) && !known.Contains(item)) head.Offer(item, scores[item]);
                }

                answers[user] = (Metrics.Ndcg(head.Take(), targets, 100), Metrics.Auc(scores, [.. targets], avoid));
                return scores;
            }, _ => { });
            return answers;
        }

        private void Score(int user, Dictionary<string, double>? settings, Span<float> scores)
        {
            if (settings is null)
            {
                _popularity.CopyTo(scores);
                return;
            }

            TensorPrimitives.Multiply(_linear.AsSpan(user * Items, Items), (float)(1 - settings[Share]), scores);
            TensorPrimitives.MultiplyAdd(_factors.AsSpan(user * Items, Items), (float)settings[Share], scores, scores);
            TensorPrimitives.MultiplyAdd(_taste.AsSpan(user * Items, Items), (float)settings[TasteWeight], scores, scores);
            TensorPrimitives.MultiplyAdd(_popularity, (float)-settings[Discount], scores, scores);
            TensorPrimitives.MultiplyAdd(_trend, (float)settings[TrendWeight], scores, scores);
        }

        private float[] Linear(LinearModel model)
        {
            var scores = new float[_users.Length * Items];
            Parallel.For(0, _users.Length, _search._parallel, user =>
            {
                var row = scores.AsSpan(user * Items, Items);
                model.Score(_users[user].Likes, _users[user].Nopes, row);
                ClosedFormModel.Standardize(row);
            });
            return scores;
        }

        // A fifth of the likes is to be found, a fifth of the nopes to be kept away from.
        private static (int[], int[], HashSet<int>, int[]) Split((int[] Likes, int[] Nopes) user, SeededRandom random)
        {
            int[] likes = [.. user.Likes], nopes = [.. user.Nopes];
            random.Shuffle<int>(likes);
            random.Shuffle<int>(nopes);
            var (found, avoided) = (Math.Max(1, likes.Length / SettingsSearch.Parts), nopes.Length / SettingsSearch.Parts);
            return ([.. likes[found..].Order()], [.. nopes[avoided..].Order()], [.. likes[..found]], nopes[..avoided]);
        }
    }
}
