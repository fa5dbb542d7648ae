using System.Globalization;
using System.Text;
using TwoTower.Core.Formats;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Results;

/// <summary>
/// Writes rankings so that anyone can recompute the metrics: a CSV with <c>viewer,rank,video,score</c>, the first 100 of each user. Where
/// there are several models or splits a column <c>contender</c> or <c>split</c> follows.
/// </summary>
internal static class RankingDump
{
    /// <summary>Writes the file, whole or not at all.</summary>
    public static void Write(string path, IReadOnlyList<Split> splits, IReadOnlyList<Answers> answers) => AtomicFile.Write(path, stream =>
    {
        ArgumentNullException.ThrowIfNull(splits);
        ArgumentNullException.ThrowIfNull(answers);
        using var text = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        var (many, cuts) = (answers.Count > 1, splits.Count > 1);
        text.WriteLine($"viewer,rank,video,score{(many ? ",contender" : "")}{(cuts ? ",split" : "")}");
        foreach (var answer in answers)
        {
            for (var split = 0; split < splits.Count; split++)
            {
                var end = $"{(many ? $",{answer.Model}" : "")}{(cuts ? $",{splits[split].Name}" : "")}";
                foreach (var result in answer.BySplit[split])
                {
                    for (var place = 0; place < result.Top.Length; place++)
                    {
                        var (item, score) = result.Top[place];
                        text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.UserId},{place + 1},{splits[split].Items[item].Id},{score:R}{end}"));
                    }
                }
            }
        }
    });
}
