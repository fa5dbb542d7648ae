using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Postgres.Connections;
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
        var mapped = new List<string>();
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
            mapped.Add(table.SchemaQualifiedName);
        }

        // All tables of theirs, and those of the registry.
        Assert.Equal(
            await db.ListAsync<string>(
                """
                select schemaname || '.' || tablename from pg_tables
                where schemaname = 'public' or schemaname = 'two_tower' and tablename in (
                    'releases', 'release_files', 'release_transitions', 'activations', 'active_release', 'release_pins', 'gate_runs',
                    'experiments')
                order by 1
                """),
            mapped.Order(StringComparer.Ordinal));
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

    [Fact]
    public async Task What_is_read_is_not_tracked_and_comes_over_the_pool_of_the_data_source()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("insert into videos (title) values ('one')");
        await using var context = TwoTowerDb.Open(db.DataSource);
        Assert.Equal("one", (await context.Videos.SingleAsync()).Title);
        Assert.Empty(context.ChangeTracker.Entries());
        Assert.Equal(1, await db.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database()"));
    }

    [Fact]
    public async Task Errors_of_reading_and_of_writing_are_known_for_what_they_are()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await using (var context = TwoTowerDb.Open(db.DataSource))
        {
            context.Add(new VideoTag { VideoId = Guid.NewGuid(), TagName = "drama" }); // of no video
            var error = await Assert.ThrowsAsync<DbUpdateException>(() => context.SaveChangesAsync());
            Assert.Equal(DatabaseFault.Bug, DatabaseErrors.FaultOf(error));
        }

        await db.ExecuteAsync("drop table public.profiles cascade");
        await using (var context = TwoTowerDb.Open(db.DataSource))
        {
            var error = await Assert.ThrowsAsync<PostgresException>(() => context.Profiles.ToListAsync());
            Assert.Equal(DatabaseFault.NotMigrated, DatabaseErrors.FaultOf(error));
        }

        // Nobody listens there. Nothing wraps the error: it is the one that a command of Npgsql throws.
        await using var away = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Timeout=2");
        await using (var context = TwoTowerDb.Open(away))
        {
            var error = await Assert.ThrowsAsync<NpgsqlException>(() => context.Profiles.ToListAsync());
            Assert.Equal(DatabaseFault.Away, DatabaseErrors.FaultOf(error));
        }
    }
}
