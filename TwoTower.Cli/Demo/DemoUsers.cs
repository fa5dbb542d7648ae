using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Entities;
using TwoTower.Postgres.Features;

namespace TwoTower.Cli.Demo;

/// <summary>Three users of different tastes, what they liked, and what the API answers for them over HTTP.</summary>
internal static class DemoUsers
{
    private const int Users = 3;
    private const int Shown = 8;
    private const int Candidates = 300;

    public static async Task<IReadOnlyList<DemoUser>> AskAsync(NpgsqlDataSource db, Uri api, DateTimeOffset now, CancellationToken ct)
    {
        var candidates = await CandidatesAsync(db, now, ct);
        using var client = new HttpClient { BaseAddress = api };
        var users = new List<DemoUser>();
        foreach (var user in UserPicker.Pick(candidates, Users))
        {
            users.Add(await AskAsync(db, client, user, UserPicker.TopTags(user, candidates, 8), ct));
        }

        return users;
    }

    private static async Task<DemoUser> AskAsync(
        NpgsqlDataSource db, HttpClient client, UserPayload user, IReadOnlyList<string> taste, CancellationToken ct)
    {
        var path = $"v1/users/{user.UserId}/recommendations?limit={Shown}";
        using var response = await client.GetAsync(path, ct);
        if (!response.IsSuccessStatusCode)
        {
            throw new InputException($"the API answered {(int)response.StatusCode} to GET /{path}: {await response.Content.ReadAsStringAsync(ct)}");
        }

        var answer = (await response.Content.ReadFromJsonAsync<Answer>(JsonSerializerOptions.Web, ct))!;
        return new(
            user.UserId, await NameAsync(db, user.UserId, ct), user.DecisionStats.LikeCount, [.. taste.Take(4)],
            await LikedAsync(db, user.UserId, taste, ct), answer.Strategy,
            [.. answer.Videos.Select(
                video => new DemoVideo(video.Title ?? video.VideoId.ToString(), Ordered(video.Tags, taste), video.Score))]);
    }

    private static async Task<IReadOnlyList<UserPayload>> CandidatesAsync(NpgsqlDataSource db, DateTimeOffset now, CancellationToken ct)
    {
        var ids = await db.Sql(
            """
            select d.user_id
            from user_video_decisions d join profiles p using (user_id)
            where d.decision_type = 'like'
            group by d.user_id
            order by count(*) < @enough, md5(d.user_id::text)
            limit @candidates
            """)
            .With("enough", UserPicker.EnoughLikes).With("candidates", Candidates).ListAsync<Guid>(ct);
        var payloads = new List<UserPayload>();
        await foreach (var payload in PayloadReader.ReadUsersAsync(db, ids, now, ct))
        {
            payloads.Add(payload);
        }

        var enough = payloads.Where(payload => payload.DecisionStats.LikeCount >= UserPicker.EnoughLikes).ToList();
        return [.. (enough.Count >= Users ? enough : payloads).OrderBy(payload => payload.UserId)];
    }

    private static async Task<string?> NameAsync(NpgsqlDataSource db, Guid user, CancellationToken ct)
    {
        await using var context = TwoTowerDb.Open(db);
        return await context.Profiles.Where(profile => profile.UserId == user).Select(profile => profile.DisplayName)
            .FirstOrDefaultAsync(ct);
    }

    private static async Task<IReadOnlyList<DemoVideo>> LikedAsync(
        NpgsqlDataSource db, Guid user, IReadOnlyList<string> taste, CancellationToken ct) =>
        await db.Sql(
            """
            select coalesce(v.title, v.external_id, v.id::text) as title,
                array(select t.tag_name::text from two_tower.video_tag_names t where t.video_id = v.id order by 1) as tags
            from (
                select video_id, max(created_at) as at from user_video_decisions
                where user_id = @user and decision_type = 'like' group by video_id) d
                join videos v on v.id = d.video_id
            order by d.at desc, v.id
            limit @limit
            """)
            .With("user", user).With("limit", Shown)
            .ListAsync(row => new DemoVideo(row.Get<string>("title"), Ordered(row.Get<string[]>("tags"), taste), null), ct);

    private static IReadOnlyList<string> Ordered(IReadOnlyList<string> tags, IReadOnlyList<string> taste) =>
        [.. tags.OrderBy(tag => taste.Contains(tag) ? taste.ToList().IndexOf(tag) : taste.Count)];

    private sealed record Answer(string Strategy, IReadOnlyList<AnswerVideo> Videos);

    private sealed record AnswerVideo(Guid VideoId, string? Title, IReadOnlyList<string> Tags, double? Score);
}
