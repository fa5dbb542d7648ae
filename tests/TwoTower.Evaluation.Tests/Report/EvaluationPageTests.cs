using System.Net;
using System.Text.RegularExpressions;
using TwoTower.Evaluation.Report;
using TwoTower.Evaluation.Results;
using TwoTower.Testing;

namespace TwoTower.Evaluation.Tests.Report;

public class EvaluationPageTests
{
    private static readonly string Page = EvaluationPage.Render(Evaluations.Full());

    [Fact]
    public void The_page_needs_nothing_but_itself()
    {
        Assert.DoesNotMatch("(?i)https?://|<script|<link|<img|<iframe|<object|<embed|@import|src=|href=", Page);
        Assert.All(Regex.Matches(Page, @"url\(([^)]*)\)"), url => Assert.StartsWith("#", url.Groups[1].Value));
        Assert.Contains("content=\"default-src 'none'; style-src 'unsafe-inline'\"", Page); // and no browser would load it
    }

    [Theory]
    [InlineData("All models", "0.377")]
    [InlineData("Users without a history", "0.038")]
    [InlineData("Difference to popularity, paired", "0.203")]
    [InlineData("Each seed alone", "seed 43")]
    [InlineData("v3, the live API", "0.006")]
    [InlineData("Recall@20 by the user's activity: likes in the history", "100 likes and more")]
    [InlineData("Recall@20 by popularity: of the videos that are to be found", "most liked 10 %")]
    [InlineData("Recall@20 by cut: share of the decisions before it", "time 60 %")]
    [InlineData("v3, calibration", "0.750")]
    public void Each_table_is_there_with_what_its_numbers_are_of(string title, string content)
    {
        var table = Assert.Single(Tables(), table => table.Contains($"<strong>{title}</strong>", StringComparison.Ordinal));

        Assert.Contains(content, table);
        Assert.Contains("tiny films · time · 2 cores", table); // data set, protocol, cores
        Assert.Contains("42", table); // the seeds
        Assert.Contains("3 min 05 s", table); // to fit
    }

    [Fact]
    public void The_best_of_a_column_stands_out_and_a_difference_has_no_best()
    {
        var models = Tables().Single(table => table.Contains("All models", StringComparison.Ordinal));
        Assert.Contains("<td class=\"best\">0.377<small>[0.367, 0.387]</small></td>", models);
        Assert.DoesNotContain("<td class=\"best\">0.174", models);
        Assert.DoesNotContain("class=\"best\"", Tables().Single(table => table.Contains("Difference to", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_probabilities_of_a_recipe_are_shown_with_their_errors()
    {
        Assert.Contains("v3: log loss 0.512 (the mean of", Page, StringComparison.Ordinal);
        Assert.Contains("expected calibration error 0.050 (the mean", Page, StringComparison.Ordinal);
        Assert.Contains("over the tenths), 21 decisions.", Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("recall@20")]
    [InlineData("ndcg@100")]
    [InlineData("uAUC")]
    [InlineData("nope@20")]
    [InlineData("By the user's activity")]
    [InlineData("By popularity")]
    [InlineData("By cut")]
    [InlineData("popularity")] // scores
    [InlineData("v3")] // learning curve, scores, calibration
    public void Each_plot_has_a_title_and_words_for_who_cant_see_it(string title)
    {
        var plots = Svgs().Where(svg => svg.Contains($">{title}</title>", StringComparison.Ordinal)).ToList();

        Assert.Equal(title == "v3" ? 3 : 1, plots.Count);
        Assert.All(plots, plot =>
        {
            Assert.Contains("role=\"img\"", plot);
            Assert.Matches("<desc id=\"[^\"]+\">[^<]{20,}</desc>", plot);
        });
    }

    [Fact]
    public void A_plot_says_its_numbers_to_who_cant_see_it()
    {
        Assert.Contains("popularity 0.174; v3 0.377; v3, re-ranked 0.355", Page);
        Assert.Contains("seed 42, time 50 %: 3 epochs, validation loss from 0.9000 to 0.5000 in epoch 2", Page);
        Assert.Contains("shown 0.20, liked 0.25; shown 0.80, liked 0.75", Page);
    }

    [Fact]
    public void Plots_take_their_colours_from_the_page_so_that_they_follow_light_and_dark()
    {
        foreach (var svg in Svgs())
        {
            Assert.Matches(@"var\(--[a-z0-9]+\)", svg);
            Assert.DoesNotMatch("rgb|black|white|font-family|#[0-9a-fA-F]{6}", svg);
        }

        Assert.Contains("prefers-color-scheme: dark", Page);
        foreach (var name in Regex.Matches(Page, @"var\((--[a-z0-9]+)\)").Select(match => match.Groups[1].Value).Distinct())
        {
            Assert.Equal(2, Regex.Count(Page, $"{name}: #")); // one for light, one for dark
        }
    }

    [Fact]
    public void Ids_are_given_once_and_what_is_referred_to_exists()
    {
        var ids = Regex.Matches(Page, " id=\"([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(ids.Distinct(), ids);
        var referred = Regex.Matches(Page, "aria-labelledby=\"([^\"]+)\"").SelectMany(match => match.Groups[1].Value.Split(' '))
            .Concat(Regex.Matches(Page, @"url\(#([^)]+)\)").Select(match => match.Groups[1].Value));
        Assert.All(referred, id => Assert.Contains(id, ids));
    }

    [Fact]
    public void Names_are_text_whatever_they_hold()
    {
        var page = EvaluationPage.Render(Evaluations.Full("<b onclick=x>films & \"co\""));

        Assert.DoesNotContain("<b onclick", page);
        Assert.Contains("&lt;b onclick=x&gt;films &amp; &quot;co&quot;", page);
    }

    [Fact]
    public void What_was_not_measured_has_no_section()
    {
        var plain = Evaluations.Model("popularity", isRecipe: false, 0.17) with
        {
            WithoutHistory = null,
            BySplit = [],
            Scores = null,
            WithHistory = new("with history", 5, new Dictionary<string, Estimate> { ["recall_20"] = new(0.17) }),
        };
        var page = EvaluationPage.Render(Evaluations.Full() with { Models = [plain], Live = null, Reference = null });

        foreach (var absent in new[] { "live API", "Learning curves", "Likes against nopes", "<h2>Calibration", "without a history</strong>", "By cut", "Difference to", ">uAUC</title>" })
        {
            Assert.DoesNotContain(absent, page);
        }
    }

    [Fact]
    public void A_page_that_cant_be_written_leaves_the_one_that_is_there()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "evaluation.html");

        EvaluationPage.Write(path, Evaluations.Full());
        Assert.Equal(Page, File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path)); // nothing beside it

        Directory.CreateDirectory(path + ".folder");
        Assert.Throws<Core.InputException>(() => EvaluationPage.Write(path + ".folder", Evaluations.Full()));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    private static IEnumerable<string> Tables() => Parts("<table>.*?</table>");

    private static IEnumerable<string> Svgs() => Parts("<svg .*?</svg>");

    private static IEnumerable<string> Parts(string pattern) =>
        Regex.Matches(Page, pattern, RegexOptions.Singleline).Select(match => WebUtility.HtmlDecode(match.Value));
}
