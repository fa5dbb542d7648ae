using System.Text;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Features;

/// <summary>The two ways to compute features, in SQL and in process, on every row (contract, section 2).</summary>
public class BothModesTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Anchor = new(2025, 11, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task They_agree_on_the_golden_world() => await AgreeAsync(Golden.Tables, Golden.AsOf);

    [Fact]
    public async Task They_agree_on_a_generated_world()
    {
        var tables = CatalogueGenerator.Generate(new() { Anchor = Anchor, Users = 1200, Videos = 1500, Seed = 7 });
        await AgreeAsync(tables, Anchor);
        await AgreeAsync(tables, Anchor.AddDays(-90));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task They_agree_on_random_histories(int seed) => await AgreeAsync(RandomTables(new Random(seed)), Anchor);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(30)]
    public async Task They_agree_on_the_latest_decisions_where_no_more_count(int most)
    {
        var tables = RandomTables(new Random(most));
        Assert.Contains(tables.Decisions.CountBy(decision => decision.UserId), user => user.Value > most);
        // Decisions of one moment, so that the order among them shows.
        var (user, at) = (tables.Decisions[0].UserId, Anchor.AddHours(-100));
        var tied =
            tables.Videos.SelectMany(
                video => new[] { new DecisionRow(user, video.Id, DecisionType.Like, at), new(user, video.Id, DecisionType.Nope, at) });
        await AgreeAsync(tables with { Decisions = [.. tables.Decisions, .. tied.Where((_, i) => i % 3 > 0)] }, Anchor, most);
    }

    [Theory]
    [InlineData("""{"features": {"max_decisions": 7}}""", 7)]
    [InlineData("""{"features": {"max_decisions": 100000}}""", 100_000)]
    [InlineData("""{"features": {"max_decisions": 100001}}""", 5_000)]
    [InlineData("""{"features": {"max_decisions": 0}}""", 5_000)]
    [InlineData("""{"features": {"max_decisions": -3}}""", 5_000)]
    [InlineData("""{"features": {"max_decisions": 7.5}}""", 5_000)]
    [InlineData("""{"features": {"max_decisions": "7"}}""", 5_000)]
    [InlineData("""{"features": {"max_decisions": null}}""", 5_000)]
    [InlineData("""{"features": "none"}""", 5_000)]
    [InlineData("""{"features": {}}""", 5_000)]
    [InlineData("{}", 5_000)]
    public async Task They_agree_on_how_many_decisions_a_configuration_has_count(string config, int expected)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        Assert.Equal(expected, await db.ScalarAsync<int>($"select two_tower.max_decisions('{config}')"));
        Assert.Equal(expected, ModelMeta.Parse(Encoding.UTF8.GetBytes($$"""{"config": {{config}}}"""), "model_meta.json").MaxDecisions);
    }

    [Fact]
    public async Task They_agree_on_a_world_of_values_that_PostgreSQL_takes_and_no_shop_means()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await new TableWriter(db.DataSource).WriteAsync(RandomTables(new Random(9)), null, default);
        await db.ExecuteAsync("""
            alter table videos alter duration_seconds type bigint, alter safety_level type int, alter safety_level drop not null,
              alter region_codes drop not null, alter is_active drop not null;
            create temp table v as select id, row_number() over (order by id) as n from videos;
            update videos set price = 'NaN' where id = (select id from v where n = 1);
            update videos set price = 1e40 where id = (select id from v where n = 2);
            update videos set price = '-Infinity' where id = (select id from v where n = 3);
            update videos set price = 0.1234567890123456789012345678901234567890 where id = (select id from v where n = 4);
            update videos set product_released_at = '0044-03-15 BC', distribution_started_at = 'infinity' where id = (select id from v where n = 5);
            update videos set product_released_at = '-infinity', published_at = '20000-01-01' where id = (select id from v where n = 6);
            update videos set region_codes = '{JP,NULL}' where id = (select id from v where n = 7);
            update videos set region_codes = '{{JP,US},{NULL,FR}}' where id = (select id from v where n = 8);
            update videos set region_codes = '[0:1]={JP,US}' where id = (select id from v where n = 9);
            update videos set region_codes = null, safety_level = null, is_active = null where id = (select id from v where n = 10);
            update videos set safety_level = 40000, duration_seconds = 5000000000 where id = (select id from v where n = 11);
            update videos set product_released_at = '0001-01-01 00:00:00+00', distribution_started_at = '0001-01-01 00:00:00+00' where id = (select id from v where n = 12);
            create temp table p as select user_id, row_number() over (order by user_id) as n from profiles;
            update profiles set created_at = 'infinity' where user_id = (select user_id from p where n = 1);
            update profiles set created_at = '20000-01-01' where user_id = (select user_id from p where n = 2);
            update profiles set created_at = '0044-03-15 BC' where user_id = (select user_id from p where n = 3);
            update profiles set created_at = '0001-01-01 00:00:00+00' where user_id = (select user_id from p where n = 4);
            insert into user_video_decisions select p.user_id, v.id, 'like', t.at::timestamptz
            from p, v, (values ('-infinity'), ('infinity'), ('0044-03-15 BC'), ('20000-01-01'), ('0001-01-01 00:00:00+00'), ('2025-01-01 00:00:00+00')) as t (at)
            where p.n <= 4 and v.n <= 12;
            alter table user_video_decisions drop constraint user_video_decisions_pkey;
            alter table user_video_decisions alter user_id drop not null, alter video_id drop not null;
            insert into user_video_decisions values (null, (select id from v where n = 1), 'like', '2025-01-01'), ((select user_id from p where n = 1), null, 'like', 'infinity');
            """);
        await AgreeAsync(db, Anchor);
        Assert.Equal(
            0, await db.ScalarAsync<long>("select count(*) from two_tower.popular_videos(1000, null, 32767, null, null, null, null) where released_at = '-infinity' or price = 'NaN'"));
        Assert.NotNull(await db.ScalarAsync<object>("select two_tower.refresh_video_statistics()"));
    }

    private async Task AgreeAsync(TableSet tables, DateTimeOffset asOf, int most = 5_000)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await new TableWriter(db.DataSource).WriteAsync(tables, null, default);
        await AgreeAsync(db, asOf, most);
    }

    private static async Task AgreeAsync(TestDatabase db, DateTimeOffset asOf, int most = 5_000)
    {
        var read = await TableReader.ReadAsync(db.DataSource, default);

        var expected = PayloadBuilder.BuildUsers(read, asOf, most).OrderBy(user => user.UserId).ToList();
        var actual =
            await PayloadReader.ReadUsersAsync(db.DataSource, [.. expected.Select(user => user.UserId)], asOf, default, most).ToListAsync();
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++) PayloadAssert.Equal(expected[i], actual[i]);

        var deciders = await PayloadReader.ReadUsersAsync(db.DataSource, null, asOf, default, most).ToListAsync();
        Assert.Equal(
            expected.Where(user => user.DecisionStats.DecisionCount > 0).Select(user => user.UserId), deciders.Select(user => user.UserId));

        var items = await PayloadReader.ReadItemsAsync(db.DataSource, null, default).ToListAsync();
        var built = PayloadBuilder.BuildItems(read);
        Assert.Equal(built.Count, items.Count);
        for (var i = 0; i < built.Count; i++) PayloadAssert.Equal(built[i], items[i]);

        // And so do the vectors that follow.
        var pipeline = FeaturePipeline.Fit(new() { MinTagFreq = 1, MinActressFreq = 1 }, built, expected, built, asOf);
        float[] left = new float[pipeline.UserDim], right = new float[pipeline.UserDim];
        for (var i = 0; i < expected.Count; i++)
        {
            pipeline.EncodeUser(expected[i], asOf, left);
            pipeline.EncodeUser(actual[i], asOf, right);
            Close.Equal([.. left.Select(x => (double)x)], [.. right.Select(x => (double)x)], $"vector of user {expected[i].UserId}");
        }
    }

    // Small and dense, so that every odd case comes up: repeats, ghosts of videos and users, ties in time, missing fields, tags of any
    // text.
    private static TableSet RandomTables(Random random)
    {
        string[] words = ["a", "\"", "\\", "{,}", "日本", "🎬", "null", "O'Neil", "a b", "tab\there"];
        string[] Some() => [.. words.Where(_ => random.Next(3) == 0)];
        DateTimeOffset? Time() => random.Next(4) == 0 ? null : Anchor.AddTicks(-random.NextInt64(TimeSpan.TicksPerDay * 400) / 10 * 10);
        var videos = Enumerable.Range(0, 30).Select(_ => new VideoRow
        {
            Id = NewGuid(random),
            Price = random.Next(4) == 0 ? null : random.Next(5) == 0 ? 0 : random.Next(1, 400_000) / 100m,
            DurationSeconds = random.Next(3) == 0 ? null : random.Next(10_000),
            ProductReleasedAt = Time(),
            DistributionStartedAt = Time(),
            SafetyLevel = (short)random.Next(3),
            IsActive = random.Next(5) > 0,
            RegionCodes = Some(),
            Tags = Some(),
            Performers = Some(),
        }).ToList();
        var users = Enumerable.Range(0, 40).Select(_ => NewGuid(random)).ToList();
        var targets = videos.Select(video => video.Id).Append(NewGuid(random)).ToList();
        var decisions = new HashSet<DecisionRow>();
        for (var i = 0; i < 600; i++)
        {
            // Hours around midnight and around a change to winter time; some after the as-of.
            var at = Anchor.AddHours(-random.Next(-24, 72)).AddMinutes(random.Next(60)).AddMicroseconds(random.Next(1_000_000));
            decisions.Add(
                new(users[(int)(Math.Pow(random.NextDouble(), 2) * users.Count)], targets[random.Next(targets.Count)],
                    (DecisionType)random.Next(2), at));
        }

        return new([.. users.Where(_ => random.Next(5) > 0).Select(user => new ProfileRow(user, null, Time()))], videos, [.. decisions]);
    }

    private static Guid NewGuid(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }
}
