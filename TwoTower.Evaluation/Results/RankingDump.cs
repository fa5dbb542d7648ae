using System.Globalization;
using System.Text;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Results;

/// <summary>
/// Writes rankings so that anyone can recompute the metrics: a CSV with <c>viewer,rank,video,score</c>, the first 100 of each user. Where
/// there are several models or splits a column <c>contender</c> or <c>split</c> follows; where ids were made from numbers or texts, those
/// follow as <c>given_viewer</c> and <c>given_video</c>.
/// </summary>
internal static class RankingDump
{
    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tables">All rows: what ids were made from.</param>
    /// <param name="splits">What was asked.</param>
    /// <param name="answers">What came of it.</param>
    public static void Write(
        string path, TableSet tables, IReadOnlyList<Split> splits, IReadOnlyList<Answers> answers) => AtomicFile.Write(path, stream =>
    {
        var users = tables.Profiles.Where(row => row.GivenId is not null).ToDictionary(row => row.UserId, row => row.GivenId);
        var given = users.Count > 0 || tables.Videos.Any(row => row.GivenId is not null);
        ArgumentNullException.ThrowIfNull(splits);
        ArgumentNullException.ThrowIfNull(answers);
        using var text = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        var (many, cuts) = (answers.Count > 1, splits.Count > 1);
        text.WriteLine($"viewer,rank,video,score{(many ? ",contender" : "")}{(cuts ? ",split" : "")}{(given ? ",given_viewer,given_video" : "")}");
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
                        var video = splits[split].Items[item];
                        text.WriteLine(string.Create(
                            CultureInfo.InvariantCulture,
                            $"{result.UserId},{place + 1},{video.Id},{score:R}{end}{(given ? $",{Field(users.GetValueOrDefault(result.UserId))},{Field(video.GivenId)}" : "")}"));
                    }
                }
            }
        }
    });

    private static string? Field(string? text) =>
        text?.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
