using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Values that PostgreSQL takes and no shop means, in videos, profiles and names: no list fails of them, for anybody.</summary>
public sealed class OddValuesApiTests(PostgresFixture postgres)
{
    private const string Odd =
        """
        create temp table v as select id, row_number() over (order by id) % 6 as n from videos;
        update videos set price = 'NaN' where id in (select id from v where n = 0);
        update videos set price = 1e40 where id in (select id from v where n = 1);
        update videos set product_released_at = '0044-03-15 BC' where id in (select id from v where n = 2);
        update videos set region_codes = '{JP,NULL}' where id in (select id from v where n = 3);
        update videos set product_released_at = '0001-01-01 00:00:00+00', price = 5 where id in (select id from v where n = 4);
        update profiles set created_at = '20000-01-01';
        alter table video_performers drop constraint video_performers_pkey, alter performer_name drop not null;
        alter table video_tags drop constraint video_tags_pkey, alter tag_name drop not null;
        insert into video_performers select id, null from videos; insert into video_tags select id, null from videos;
        alter table user_video_decisions drop constraint user_video_decisions_pkey, alter user_id drop not null;
        insert into user_video_decisions select null, id, 'like', '2025-01-01' from videos;
        alter table profiles drop constraint profiles_pkey, alter user_id drop not null;
        insert into profiles values (null, 'nobody');
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_list_is_answered_with_null_in_place_of_them(bool rpc)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random(useRpcFeatures: rpc));
        await db.ExecuteAsync(Odd);
        await new VideoStatistics(db.DataSource).RefreshAsync();
        await using var api = await ApiHost.StartAsync(db);
        var liked = await db.ScalarAsync<Guid>($"select video_id from user_video_decisions where user_id = '{ApiWorld.Viewer}' and decision_type = 'like' limit 1");
        string[] paths =
        [
            $"/v1/users/{ApiWorld.Viewer}/recommendations?limit=100",
            $"/v1/users/{ApiWorld.Stranger}/recommendations?limit=100",
            $"/v1/videos/{liked}/similar?limit=100",
        ];
        List<string> strategies = [];
        foreach (var path in paths)
        {
            var answer = await api.GetAsync(path);
            strategies.Add(answer.GetProperty("strategy").GetString()!);
            var ids = ApiWorld.Ids(answer);
            var kinds = (await db.ListAsync<string>(
                "select id || ' ' || case when price = 'NaN' or price > 1e30 then 'price' when product_released_at < '0001-01-01 00:00:00+00' then 'released' "
                + "when product_released_at = '0001-01-01 00:00:00+00' then 'year 1' else '' end from videos"))
                .ToDictionary(line => Guid.Parse(line[..36]), line => line[37..]);
            Assert.Superset(new HashSet<string> { "price", "released", "year 1" }, ids.Select(id => kinds[id]).ToHashSet());
            foreach (var video in answer.GetProperty("videos").EnumerateArray())
            {
                var kind = kinds[video.GetProperty("videoId").GetGuid()];
                if (kind == "price") Assert.Equal(System.Text.Json.JsonValueKind.Null, video.GetProperty("price").ValueKind);
                if (kind == "released") Assert.Equal(System.Text.Json.JsonValueKind.Null, video.GetProperty("releasedAt").ValueKind);
                if (kind == "year 1") Assert.Equal((5m, DateTimeOffset.MinValue), (video.GetProperty("price").GetDecimal(), video.GetProperty("releasedAt").GetDateTimeOffset()));
                Assert.DoesNotContain(video.GetProperty("performers").EnumerateArray(), name => name.ValueKind == System.Text.Json.JsonValueKind.Null);
                Assert.DoesNotContain(video.GetProperty("tags").EnumerateArray(), name => name.ValueKind == System.Text.Json.JsonValueKind.Null);
            }
        }

        Assert.Equal(["two_tower", "popular_and_fresh", "similar"], strategies);
    }
}
