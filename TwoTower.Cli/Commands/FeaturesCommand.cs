using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower features</c>: what the model would see of a folder of tables; needs no database.</summary>
internal static class FeaturesCommand
{
    private const string PayloadsFile = "user_payloads.json";

    public static Command Create(CommandHost host)
    {
        var data = new Option<string>("--data") { Description = "Folder with one CSV per table (docs/data.md), .csv or .csv.gz.", HelpName = "DIR", Required = true };
        var asOf = new Option<string?>("--as-of") { Description = "The time that ages count to (ISO 8601); the latest decision when left out.", HelpName = "TIME" };
        var defaults = new FeatureOptions();
        var maxTag = NumberOption.Create("--max-tag-vocab", "Most tags in the vocabulary.", 0, 100_000, defaults.MaxTagVocab);
        var minTag = NumberOption.Create("--min-tag-freq", "Videos that a tag must be on.", 1, defaultValue: defaults.MinTagFreq);
        var maxActress = NumberOption.Create("--max-actress-vocab", "Most performers in the vocabulary.", 0, 100_000, defaults.MaxActressVocab);
        var minActress = NumberOption.Create("--min-actress-freq", "Videos that a performer must be in.", 1, defaultValue: defaults.MinActressFreq);
        var vectors = new Option<string?>("--video-features") { Description = "Names of vectors in video_features.csv that the items have, with commas; none when left out.", HelpName = "NAMES" };
        var output = new Option<string>("--out") { Description = $"File to write; {PayloadsFile} goes beside it.", HelpName = "FILE", Required = true };
        var command = new Verb(
            "features", "Compute the features of a folder of CSV files and write them as JSON; no database needed.",
            """
            Writes vocabularies, standardisers (fitted on users with a profile and a decision and on videos with a decision), raw numerics
            and final vectors of each profile and each video in file order, and beside it each user's payload. docs/features.md explains them.

            Example:
              twotower features --data DIR --as-of 2025-10-12T09:30:00Z --max-tag-vocab 20 --min-tag-freq 3 \
                --max-actress-vocab 12 --min-actress-freq 2 --out out/features.json
            """)
        { data, asOf, maxTag, minTag, maxActress, minActress, vectors, output };
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var path = Path.GetFullPath(parse.GetValue(output)!);
            var payloads = Path.Combine(Path.GetDirectoryName(path)!, PayloadsFile);
            if (path == payloads)
            {
                throw new InputException($"--out {parse.GetValue(output)}: {PayloadsFile} is the name of the second file, written beside this one; give another name");
            }

            var instant = parse.GetValue(asOf) is { } text ? ParseAsOf(text) : (DateTimeOffset?)null;
            var options = defaults with
            {
                MaxTagVocab = parse.GetValue(maxTag) ?? defaults.MaxTagVocab,
                MinTagFreq = parse.GetValue(minTag) ?? defaults.MinTagFreq,
                MaxActressVocab = parse.GetValue(maxActress) ?? defaults.MaxActressVocab,
                MinActressFreq = parse.GetValue(minActress) ?? defaults.MinActressFreq,
                VideoFeatures = parse.GetValue(vectors)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            };
            RecipeValidator.Validate(new() { Features = options }, "--video-features");
            var tables = await Task.Run(() =>
                CsvTableReader.Read(parse.GetValue(data)!, session.Terminal.Warn, new() { Time = session.Time })
                    .WithoutAhead(session.Time.GetUtcNow()), session.Stop);
            var report = await Task.Run(() => FeatureReport.Create(tables, options, instant ?? Latest(tables)), session.Stop);
            AtomicFile.Write(path, stream => stream.Write(report.Features));
            AtomicFile.Write(payloads, stream => stream.Write(report.UserPayloads));
            session.Terminal.Result(
                new { features = path, user_payloads = payloads, users = tables.Profiles.Count, videos = tables.Videos.Count },
                () => session.Terminal.Say($"{path} and {payloads}: {Amounts.Count(tables.Profiles.Count)} users, {Amounts.Count(tables.Videos.Count)} videos"));
        });
        return command;
    }

    private static DateTimeOffset Latest(TableSet tables) => tables.Decisions.Count > 0
        ? tables.Decisions.Max(decision => decision.CreatedAt)
        : throw new InputException("there are no decisions, so no latest one to count ages to: give --as-of TIME");

    private static DateTimeOffset ParseAsOf(string text) => InstantText.TryParse(text, out var instant)
        ? instant
        : throw new InputException($"--as-of {text} is not a time: write it like 2025-10-12T09:30:00Z");
}
