using System.CommandLine;
using Microsoft.Extensions.Options;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower recommend USER</c>: the API's answer without a server.</summary>
internal static class RecommendCommand
{
    public static Command Create(CommandHost host)
    {
        var who = new Argument<string>("USER") { Description = "A user's user_id, the id that an import made it of, or display name." };
        var limit = NumberOption.Create("--limit", "Videos wanted.", 1, 100, 10);
        var seen = new Option<bool>("--include-seen") { Description = "Also videos that the user has decided on." };
        var banned = new Option<string[]>("--ban-tag") { Description = "Leave out videos with this tag. May be repeated.", HelpName = "TAG" };
        var safety = NumberOption.Create("--max-safety-level", "Highest safety level; 0 is for everyone.", 0, short.MaxValue, new VideoFilter().MaxSafetyLevel);
        var region = new Option<string[]>("--region") { Description = "Only videos allowed in this region. May be repeated.", HelpName = "CODE" };
        var command = new Verb(
            "recommend", "Show what a user would be recommended now, and why.",
            """
            The same code as the API's: features as of now, the active release's tower, the search with its filters, re-ranking. A user
            without likes gets what is popular and fresh, and the answer says so.

            Examples:
              twotower recommend 0d98c933-d95d-439a-b1f9-65ed3add1310
              twotower recommend 'viewer 12' --limit 20 --ban-tag horror --json
            """)
        { who, limit, seen, banned, safety, region, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var db = await session.OpenDatabaseAsync();
            var user = await KnownUser.FindAsync(db, parse.GetValue(who)!, session.Stop);
            var options = Options.Create(new RecommendationOptions());
            using var towers = new TowerCache(new ReleaseStore(db), capacity: 1);
            var filter = new VideoFilter
            {
                BannedTags = parse.GetValue(banned) ?? [],
                Regions = parse.GetValue(region) ?? [],
                MaxSafetyLevel = parse.GetValue(safety) ?? new VideoFilter().MaxSafetyLevel,
            };
            var request = new RecommendationRequest(user.Id, parse.GetValue(limit) ?? 10, parse.GetValue(seen), filter);
            var answer = await new RecommendationService(db, towers, options).RecommendAsync(request, ct: session.Stop);
            session.Terminal.Result(Shape(user, answer), () => Show(session.Terminal, user, answer));
        });
        return command;
    }

    private static void Show(Terminal terminal, KnownUser user, Recommendations answer)
    {
        var how = answer.Strategy == Strategy.TwoTower ? $"release {answer.ModelVersion}" : "no likes yet: what is popular and fresh";
        terminal.Say($"{user.Shown}, {how}, as of {answer.AsOf.UtcDateTime:yyyy-MM-dd HH:mm}Z");
        terminal.Show(VideoTable.Of(answer.Videos));
    }

    private static object Shape(KnownUser user, Recommendations answer) => new
    {
        user_id = user.Id,
        user.GivenId,
        user.DisplayName,
        strategy = ServingTelemetry.NameOf(answer.Strategy),
        answer.ModelVersion,
        answer.AsOf,
        videos = answer.Videos.Select(video => new
        {
            video.Rank,
            video_id = video.Video.Id,
            video.Video.ExternalId,
            video.Video.Title,
            video.Score,
            video.Probability,
            video.LikeProbability,
            video.Popularity,
            video.RankScore,
            video.Video.Tags,
            video.Video.Performers,
            reasons = video.Reasons.Select(reason => new { kind = reason.Kind.ToString().ToLowerInvariant(), reason.Name, reason.Likes }),
        }),
    };
}
