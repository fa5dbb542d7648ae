using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.StandIn;

/// <summary>
/// A project's database with what the recorded exchanges show of theirs: as many rows, the rows that can be seen, a release of the name.
/// </summary>
internal static partial class RecordedWorld
{
    public static readonly Guid User = Guid.Parse("5e179d28-553a-5ec6-9995-7cd8e73c3da1");

    // The row that a query without an order gives first.
    private static readonly Guid First = Guid.Parse("9140824e-2968-50b4-a736-e7654fa8f932");

    /// <summary>Makes it.</summary>
    /// <param name="exchanges">The recorded ones.</param>
    public static async Task<TestDatabase> CreateAsync(SupabaseServer server, JsonElement exchanges)
    {
        var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        var bodies = exchanges.EnumerateArray().ToDictionary(
            exchange => exchange.GetProperty("what").GetString()!, exchange => exchange.GetProperty("response").GetProperty("body").GetString()!);
        await VideosAsync(db, bodies);
        await DecisionsAsync(db, bodies["incremental by time, + in the time"]);
        await ReleaseAsync(db, bodies["a vector column"]);
        await db.ExecuteAsync("""
            create function public.two_tower_context(p_user_id uuid) returns jsonb language sql stable set search_path = pg_catalog as
              $$ select public.two_tower_request_context(p_user_id) $$;
            grant execute on function public.two_tower_context(uuid) to service_role;
            """);
        return db;
    }

    private static async Task VideosAsync(TestDatabase db, Dictionary<string, string> bodies)
    {
        var titles = Row().Matches(bodies["page 0-99 with count"]).ToDictionary(match => match.Groups["id"].Value, match => match.Groups);
        var seen = bodies.Where(body => !body.Key.StartsWith("search", StringComparison.Ordinal) && !body.Key.StartsWith("incremental", StringComparison.Ordinal))
            .SelectMany(body => VideoId().Matches(body.Value)).Select(match => match.Groups["id"].Value)
            .Where(id => id != First.ToString()).Order(StringComparer.Ordinal).Distinct().ToList();
        var times = bodies["times as PostgREST writes them"];
        await db.ExecuteAsync($"""
            insert into videos (id, title, created_at, product_released_at, price)
            values ('{First}', 'First', '{times[16..41]}', '{times[16..41]}', 2300);
            """);
        foreach (var id in seen)
        {
            var row = titles.GetValueOrDefault(id);
            var (title, time) = row is null ? ("Seen", "2025-01-01T00:00:00Z") : (row["title"].Value.Replace("'", "''", StringComparison.Ordinal), row["time"].Value);
            await db.ExecuteAsync($"insert into videos (id, title, created_at) values ('{id}', '{title}', '{time}')");
        }

        // The others, between the first and the last that can be seen.
        await db.ExecuteAsync($"""
            insert into videos (id, title, created_at)
            select ('01' || substr(md5(i::text), 3))::uuid, 'Video ' || i, '2025-01-01' from generate_series(1, {5000 - seen.Count - 1}) i;
            """);
        foreach (Match video in WithTags().Matches(bodies["flat tags embedded"]))
        {
            var id = video.Groups["id"].Value;
            foreach (var tag in Name().Matches(video.Groups["tags"].Value).Select(match => match.Groups["name"].Value))
            {
                await db.ExecuteAsync($"insert into video_tags values ('{id}', '{tag.Replace("'", "''", StringComparison.Ordinal)}')");
            }

            foreach (var name in Name().Matches(video.Groups["performers"].Value).Select(match => match.Groups["name"].Value))
            {
                await db.ExecuteAsync($"insert into video_performers values ('{id}', '{name.Replace("'", "''", StringComparison.Ordinal)}')");
            }
        }
    }

    private static async Task DecisionsAsync(TestDatabase db, string body)
    {
        foreach (var row in JsonElement.Parse(body).EnumerateArray())
        {
            await db.ExecuteAsync($"""
                insert into user_video_decisions (user_id, video_id, decision_type, created_at)
                values ('{row.GetProperty("user_id")}', '{row.GetProperty("video_id")}', '{row.GetProperty("decision_type")}', '{row.GetProperty("created_at")}')
                """);
        }

        await db.ExecuteAsync($"""
            insert into profiles (user_id, created_at) values ('{User}', '2024-01-01');
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select md5('user' || i)::uuid, (select id from videos order by id limit 1), 'like', timestamptz '2026-11-29T00:01Z' + i * interval '1 second'
            from generate_series(1, 1762) i;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select '{User}', v.id, case when v.place % 3 = 0 then 'nope' else 'like' end, '2026-10-01'
            from (select id, row_number() over (order by id) as place from videos) v where v.place <= 385;
            """);
    }

    private static async Task ReleaseAsync(TestDatabase db, string vector)
    {
        var checkpoint = TestCheckpoints.Random(256);
        var files = new ReleaseFileSet("recorded", ReleaseFiles.Build(checkpoint, DateTimeOffset.UnixEpoch));
        var store = new ReleaseStore(db.DataSource);
        const string Version = "v2edge-20261130T004530Z-a325882b";
        var release = await store.RegisterAsync(Version, files, "v2", null, imported: false, VectorType.Vector, "test");
        await store.TransitionAsync(Version, ReleaseState.Embedding, "test", null);
        var ids = await db.ListAsync<Guid>("select id from videos order by id limit 20");
        var random = new Random(1);
        float[] vectors = [.. ids.SelectMany(_ =>
        {
            float[] row = [.. Enumerable.Range(0, 256).Select(_ => random.NextSingle() - 0.5f)];
            var length = MathF.Sqrt(row.Sum(value => value * value));
            return row.Select(value => value / length);
        })];
        await TestReleases.WriteAsync(db, release, ids, vectors);
        await TestReleases.PassGateAsync(db, Version);
        await store.TransitionAsync(Version, ReleaseState.Ready, "test", null);
        await store.ActivateAsync(Version, "test", null);

        // The first row as far as it can be seen, the others of any numbers.
        var seen = Number().Matches(vector[(vector.IndexOf('[', 2) + 1)..]).Select(match => match.Groups["number"].Value).ToList();
        var first = string.Join(',', seen.Concat(Enumerable.Repeat("0", 256 - seen.Count)));
        await db.ExecuteAsync($"""
            insert into video_embeddings (video_id, embedding)
            select v.id, case when v.id = '0004ec79-03af-5568-9530-4f42d38ded37' then '[{first}]' else ('[' || repeat('0.0625,', 255) || '0.0625]') end::extensions.vector
            from videos v order by v.id limit 10
            """);
    }

    [GeneratedRegex("""\{"(video_)?id":"(?<id>[0-9a-f-]{36})""")]
    private static partial Regex VideoId();

    [GeneratedRegex("""\{"id":"(?<id>[^"]+)","title":"(?<title>[^"]+)","created_at":"(?<time>[^"]+)"\}""")]
    private static partial Regex Row();

    [GeneratedRegex("""\{"id":"(?<id>[^"]+)","video_tags":\[(?<tags>[^\]]*)\],"video_performers":\[(?<performers>[^\]]*)\]""")]
    private static partial Regex WithTags();

    [GeneratedRegex("""_name": "(?<name>[^"]+)"\}""")]
    private static partial Regex Name();

    [GeneratedRegex("""(?<number>-?[0-9.e-]+),""")]
    private static partial Regex Number();
}
