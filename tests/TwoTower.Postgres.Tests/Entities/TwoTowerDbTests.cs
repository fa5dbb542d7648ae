using Microsoft.EntityFrameworkCore;
using TwoTower.Postgres.Entities;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Entities;

public class TwoTowerDbTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Model_and_sql_have_the_same_columns_types_nullability_and_keys()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using var context = new TwoTowerDb(TwoTowerDb.Options(db.DataSource));
        var mapped = 0;
        foreach (var table in context.Model.GetRelationalModel().Tables)
        {
            var actual = await db.ListAsync<string>($"""
                select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
                from pg_attribute a
                where a.attrelid = '{table.SchemaQualifiedName}'::regclass and a.attnum > 0 and not a.attisdropped
                order by 1
                """);
            var expected = table.Columns.Select(column => $"{column.Name} {column.StoreType}{(column.IsNullable ? "" : " not null")}");
            Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));

            var key = await db.ListAsync<string>($"""
                select a.attname::text
                from pg_index i
                cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                where i.indrelid = '{table.SchemaQualifiedName}'::regclass and i.indisprimary
                order by k.position
                """);
            Assert.Equal(table.PrimaryKey!.Columns.Select(column => column.Name), key);
            mapped++;
        }

        Assert.Equal(await db.ScalarAsync<long>("select count(*) from pg_tables where schemaname = 'public'"), mapped);
        foreach (var view in context.Model.GetRelationalModel().Views)
        {
            Assert.Equal(
                view.Columns.Select(column => $"{column.Name} {column.StoreType}").Order(StringComparer.Ordinal),
                await db.ListAsync<string>($"""
                    select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                    from pg_attribute a where a.attrelid = '{view.SchemaQualifiedName}'::regclass and a.attnum > 0 order by 1
                    """));
        }
    }

    [Fact]
    public async Task Every_entity_is_written_and_read_back()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var id = Guid.NewGuid();
        var time = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var embedding = new Pgvector.Vector(Enumerable.Range(0, 256).Select(i => i == 3 ? 1f : 0f).ToArray());
        await using (var context = new TwoTowerDb(TwoTowerDb.Options(db.DataSource)))
        {
            context.Profiles.Add(new() { UserId = id, DisplayName = "名前", CreatedAt = time });
            context.Videos.Add(new() { Id = id, Title = "t", Price = 9.5m, ImageUrls = """["a"]""", RegionCodes = ["JP"], CreatedAt = time });
            context.VideoTags.Add(new() { VideoId = id, TagName = "drama" });
            context.VideoPerformers.Add(new() { VideoId = id, PerformerName = "p" });
            context.UserVideoDecisions.Add(new() { UserId = id, VideoId = id, DecisionType = "like", CreatedAt = time });
            context.VideoEmbeddings.Add(new() { VideoId = id, Embedding = embedding, UpdatedAt = time });
            context.UserEmbeddings.Add(new() { UserId = id, Embedding = embedding, UpdatedAt = time });
            await context.SaveChangesAsync();
        }

        await using var read = new TwoTowerDb(TwoTowerDb.Options(db.DataSource));
        Assert.Equal("名前", (await read.Profiles.SingleAsync()).DisplayName);
        Assert.Equal(["JP"], (await read.Videos.SingleAsync()).RegionCodes);
        Assert.Equal("drama", (await read.VideoTagNames.SingleAsync()).TagName);
        Assert.Equal("p", (await read.VideoPerformerNames.SingleAsync()).PerformerName);
        Assert.Equal(time, (await read.UserVideoDecisions.SingleAsync()).CreatedAt);
        Assert.Equal(1f, (await read.VideoEmbeddings.SingleAsync()).Embedding.ToArray()[3]);
        Assert.Equal(id, (await read.UserEmbeddings.SingleAsync()).UserId);
    }
}
