using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Publishing;

/// <summary>The table that other programs read, <c>public.video_embeddings</c>, follows the release that is served.</summary>
public sealed class PublicTableTests(PostgresFixture postgres) : EmbedJobSetup(postgres)
{
    [Fact]
    public async Task With_activation_the_release_is_served_and_the_public_table_follows()
    {
        await Db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(16)");
        await Db.ExecuteAsync($"insert into public.video_embeddings (video_id, embedding) values (gen_random_uuid(), (select array_agg(1) from generate_series(1, 16))::vector)");
        var (one, two) = (await RegisterAsync(1), await RegisterAsync(2));
        foreach (var release in new[] { one, two })
        {
            var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
            Assert.True(result.Activated);
            Assert.Equal(release.ModelVersion, (await Store.GetActiveAsync())?.ModelVersion);
            Assert.Equal(300L, await Db.ScalarAsync<long>(
                $"select count(*) from public.video_embeddings p join {release.Table} e using (video_id) where p.embedding = e.embedding"));
            Assert.Equal(300L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
        }
    }

    [Fact]
    public async Task A_shorter_public_table_gets_the_first_numbers_of_a_nested_release()
    {
        await Db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(7)");
        Guid[] videos = [.. Golden.Tables.Videos.Select(video => video.Id)];
        var release = await Store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Histories(videos), Golden.AsOf), new Recipe());
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.DoesNotContain(result.Warnings, warning => warning.Contains("public.video_embeddings", StringComparison.Ordinal));
        Assert.Equal(300L, await Db.ScalarAsync<long>(
            $"""
            select count(*) from public.video_embeddings p join {release.Table} e using (video_id)
            where subvector(p.embedding, 1, 6) = subvector(e.embedding, 1, 6) and abs(vector_norm(p.embedding) - 1) < 1e-6
            """));

        // A user's vector cut likewise orders by cosine as the first numbers alone do.
        Assert.Equal(0L, await Db.ScalarAsync<long>(
            $"""
            with u as (select embedding from {release.Table} order by video_id limit 1),
            scored as (
                select row_number() over (order by (subvector(u.embedding, 1, 6) || '[0]') <=> p.embedding, p.video_id) as of_table,
                    row_number() over (order by subvector(u.embedding, 1, 6) <#> subvector(e.embedding, 1, 6), p.video_id) as of_release
                from u, public.video_embeddings p join {release.Table} e using (video_id))
            select count(*) from scored where abs(of_table - of_release) > 1 -- rounding swaps neighbours
            """));
        var before = await Db.ScalarAsync<DateTime>("select max(updated_at) from public.video_embeddings");
        await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Equal(before, await Db.ScalarAsync<DateTime>("select max(updated_at) from public.video_embeddings"));
    }

    [Fact]
    public async Task A_release_that_is_not_nested_has_nothing_for_a_shorter_public_table()
    {
        await Db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(7)");
        var release = await RegisterAsync();
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Contains("public.video_embeddings isn't vector(16): it is left as it is.", result.Warnings);
        Assert.Equal(0L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    [Fact]
    public async Task The_first_filling_of_the_public_table_leaves_its_index_as_it_was()
    {
        const string index = "select coalesce(string_agg(indexdef, ';' order by indexdef), '') from pg_indexes where schemaname = 'public' and tablename = 'video_embeddings'";
        await Db.ExecuteAsync(
            """
            drop index if exists public.video_embeddings_embedding_idx;
            alter table public.video_embeddings alter column embedding type vector(16);
            create index "Their Index" on public.video_embeddings using hnsw (embedding vector_cosine_ops) with (m = 8);
            """);
        var before = await Db.ScalarAsync<string>(index);
        Assert.Contains("Their Index", before, StringComparison.Ordinal);
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(before, await Db.ScalarAsync<string>(index));
        Assert.Equal(300L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));

        // With rows in it the index stays in use: the same index, not one like it.
        const string oid = "select 'public.\"Their Index\"'::regclass::oid::bigint";
        var kept = await Db.ScalarAsync<long>(oid);
        await RegisterAsync(2);
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(kept, await Db.ScalarAsync<long>(oid));
        Assert.Equal(300L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings p join two_tower.video_embeddings_2 e using (video_id) where p.embedding = e.embedding"));
    }

    [Fact]
    public async Task A_public_table_that_somebody_is_reading_is_filled_without_waiting_for_them()
    {
        await Db.ExecuteAsync(
            "drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type "
                + "vector(16); create index i on public.video_embeddings using hnsw (embedding vector_cosine_ops)");
        await using var reader = await Db.DataSource.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("select count(*) from public.video_embeddings", reader)) await command.ExecuteScalarAsync();
        await RegisterAsync();
        await Job.RunAsync(null, Options with { Activate = true });
        Assert.Equal(300L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }

    [Fact]
    public async Task A_public_table_of_another_dimension_is_left_alone_and_the_result_says_so()
    {
        var release = await RegisterAsync();
        var result = await Job.RunAsync(release.ModelVersion, Options with { Activate = true });
        Assert.Contains("public.video_embeddings isn't vector(16): it is left as it is.", result.Warnings);
        Assert.Equal(0L, await Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
    }
}
