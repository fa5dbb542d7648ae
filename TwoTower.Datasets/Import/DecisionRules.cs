using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>Which rows of a file are likes, which nopes, and which neither.</summary>
internal sealed partial class DecisionRules
{
    private readonly IReadOnlyList<Rule> _like;
    private readonly IReadOnlyList<Rule> _nope;
    private readonly string? _decision;
    private (CsvColumn Column, Rule Rule)[] _likes = [];
    private (CsvColumn Column, Rule Rule)[] _nopes = [];
    private CsvColumn? _decided;

    private DecisionRules(IReadOnlyList<Rule> like, IReadOnlyList<Rule> nope, string? decision) =>
        (_like, _nope, _decision) = (like, nope, decision);

    /// <summary>True when no rule is given: every row is a like.</summary>
    public bool AreAllLikes => _decision is null && _like.Count == 0 && _nope.Count == 0;

    /// <summary>Columns that the rules read.</summary>
    public IEnumerable<string> Columns =>
        [.. _like.Concat(_nope).Select(rule => rule.Column), .. _decision is null ? Array.Empty<string>() : [_decision]];

    /// <summary>The rules of a map.</summary>
    /// <exception cref="InputException">A rule can't be read.</exception>
    public static DecisionRules Of(InteractionsMap map, string name)
    {
        if (map.Decision is not null && (map.Like is not null || map.Nope is not null))
        {
            throw new InputException($"{name}: interactions has 'decision' and rules; give one of them.");
        }

        return new([.. (map.Like ?? []).Select(text => Rule.Parse(text, name))],
            [.. (map.Nope ?? []).Select(text => Rule.Parse(text, name))], map.Decision);
    }

    /// <summary>Finds the columns of the rules in a file.</summary>
    public void Bind(TableFile file)
    {
        _likes = [.. _like.Select(rule => (file.Column(rule.Column, required: true), rule))];
        _nopes = [.. _nope.Select(rule => (file.Column(rule.Column, required: true), rule))];
        _decided = _decision is null ? null : file.Column(_decision, required: true);
    }

    /// <summary>What the row at hand says; null where it says neither.</summary>
    public DecisionType? Decide()
    {
        if (AreAllLikes) return DecisionType.Like;
        if (_decided is { } column)
        {
            var text = column.RequiredText();
            return text.Trim().ToLowerInvariant() switch
            {
                "like" => DecisionType.Like,
                "nope" => DecisionType.Nope,
                _ => throw column.Error($"has '{CsvFile.Show(text)}' where like or nope was expected"),
            };
        }

        var isLike = _likes.Any(pair => pair.Rule.Holds(pair.Column));
        var isNope = _nopes.Any(pair => pair.Rule.Holds(pair.Column));
        if (isLike && isNope) throw _likes[0].Column.Error("makes the row a like and a nope at once: the rules of the map overlap");
        return isLike ? DecisionType.Like : isNope ? DecisionType.Nope : null;
    }

    /// <summary>A column, a comparison and a value: <c>rating >= 4</c>, <c>event in purchase, cart</c>.</summary>
    internal sealed partial record Rule(string Column, string Operator, double Number, IReadOnlyList<string> Texts)
    {
        public static Rule Parse(string text, string name)
        {
            var match = Shape().Match(text);
            if (!match.Success) throw Bad(
                "it should be a column, a comparison (>=, <=, >, <, =, !=, in) and a value: rating >= 4, event in purchase, cart");
            var (column, value) = (match.Groups["column"].Value.Trim(), match.Groups["value"].Value.Trim());
            var comparison = match.Groups["operator"].Value.ToLowerInvariant() switch
            {
                "≥" => ">=",
                "≤" => "<=",
                "==" => "=",
                "≠" or "<>" => "!=",
                var other => other,
            };
            if (comparison is "=" or "!=" or "in")
            {
                var texts = (comparison == "in" ? value.Trim('(', ')').Split(',') : [value]).Select(one => one.Trim().Trim('\'', '"'))
                    .ToArray();
                return new(column, comparison, 0, texts);
            }

            return double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? new(column, comparison, number, [])
                : throw Bad($"'{value}' is no number");

            InputException Bad(string reason) => new($"{name}: the rule '{text}' can't be read: {reason}.");
        }

        public bool Holds(CsvColumn column)
        {
            if (column.Text()?.Trim() is not { Length: > 0 } text) return false;
            if (Texts.Count > 0) return Operator == "!=" ? !Texts.Any(one => IsSame(one, text)) : Texts.Any(one => IsSame(one, text));
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || double.IsNaN(value))
            {
                throw column.Error($"has '{CsvFile.Show(text)}' where a number was expected, to compare it with {Number.ToString(CultureInfo.InvariantCulture)}");
            }

            return Operator switch
            {
                ">=" => value >= Number,
                "<=" => value <= Number,
                ">" => value > Number,
                _ => value < Number,
            };
        }

        // 5 and 5.0 are the same number, and true is True.
        private static bool IsSame(string wanted, string text) => string.Equals(wanted, text, StringComparison.OrdinalIgnoreCase)
            || (double.TryParse(wanted, NumberStyles.Float, CultureInfo.InvariantCulture, out var a)
                && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var b) && a.Equals(b));

        [GeneratedRegex(@"\A\s*(?<column>.+?)\s*(?<operator>>=|<=|==|!=|<>|≥|≤|≠|>|<|=|\bin\b)\s*(?<value>\S.*)\z",
            RegexOptions.IgnoreCase)]
        private static partial Regex Shape();
    }
}
